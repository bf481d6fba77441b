//! Weight files: float tensors to calibrate from, integer model files to prove with.
//!
//! [`FloatWeights`] reads named tensors from a safetensors file or a sharded checkpoint; [`resolve`] matches them with the
//! weights that a model declares. Between the two an import brings the names of a published checkpoint to those of our
//! models ([`FloatWeights::rename_family`]), folds norms into the layers behind or before them (`fold_*`), and cuts, joins
//! and pads tensors. Every such step changes all that it names or, on an error, nothing. [`save_model`] and [`load_model`] keep the integer weights of a calibrated model together with its
//! rescales and steps.

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
