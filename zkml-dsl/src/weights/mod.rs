//! Weight files: float tensors to calibrate from, integer model files to prove with.
//!
//! [`FloatWeights`] reads named tensors from a safetensors file or a sharded checkpoint; [`resolve`] matches them with
//! the weights that a model declares. Between the two an import brings the names of a published checkpoint to those of
//! our models ([`FloatWeights::rename_family`]), folds norms into the layers behind or before them (`fold_*`), and
//! cuts, joins and pads tensors. Every such step changes all that it names or, on an error, nothing. [`save_model`] and
//! [`load_model`] keep the integer weights of a calibrated model together with its rescales and steps.
//!
//! # An import
//!
//! ```no_run
//! # use zkml_dsl::weights::{Family, FloatWeights, WeightsError};
//! # fn import() -> Result<FloatWeights, WeightsError> {
//! let mut w = FloatWeights::open("gpt2")?; // a folder, a file or an index of shards
//! println!("{}", w.rename_family(Family::Gpt2, &[])?); // what was dropped, what nobody knows
//! w.tie("lm_head.weight", "wte.weight")?;
//! w.transpose("lm_head.weight")?; // a file's [out, in] to [in, out]
//! w.fold_layer_norm("ln_f", &["lm_head"])?;
//! for l in 0..12 {
//!     w.fold_layer_norm(&format!("h.{l}.ln_1"), &[&format!("h.{l}.attn.c_attn")])?;
//!     w.fold_layer_norm(&format!("h.{l}.ln_2"), &[&format!("h.{l}.mlp.c_fc")])?;
//!     w.per_channel(&format!("h.{l}.mlp.c_proj"), &format!("h.{l}.mlp.c_proj.scale"))?;
//! }
//! w.pad_rows("wte.weight", 50304)?;
//!
//! let mut w = FloatWeights::open("llama/model.safetensors.index.json")?;
//! w.rename_family(Family::Llama, &[])?;
//! w.transpose_matching("layers.*.self_attn|mlp.**")?; // all layers are [out, in] in the file
//! for l in 0..16 {
//!     let attn = ["q", "k", "v"].map(|p| format!("layers.{l}.self_attn.{p}_proj"));
//!     w.fold_rms_norm(&format!("layers.{l}.input_layernorm"), &attn.each_ref().map(String::as_str))?;
//!     let mlp = ["gate", "up"].map(|p| format!("layers.{l}.mlp.{p}_proj"));
//!     w.fold_rms_norm(&format!("layers.{l}.post_attention_layernorm"), &mlp.each_ref().map(String::as_str))?;
//! }
//! # Ok(w)
//! # }
//! ```

mod checkpoint;
mod convert;
mod error;
mod families;
mod fit;
mod float;
mod fold;
mod header;
mod mapped;
mod model;
mod names;
mod pattern;
mod resolve;
mod tensor;

pub use error::{FileError, IndexError, LoadError, ParamsError, SaveError, WeightsError};
pub use families::{Dropped, Family, Renamed};
pub use fit::{Misfit, Misshapen, Missing, Present};
pub use float::FloatWeights;
pub use header::FORMAT_VERSION;
pub use model::{load_model, save_model};
pub use resolve::resolve;
pub use tensor::FloatTensor;
pub use zkml_ir::shape::Shape;
