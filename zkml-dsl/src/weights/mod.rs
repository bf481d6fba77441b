//! Weight files: float tensors to calibrate from, integer model files to prove with.
//!
//! [`FloatWeights`] reads named tensors from a safetensors file; [`resolve`] matches them with the weights that a model
//! declares. [`save_model`] and [`load_model`] keep the integer weights of a calibrated model together with its
//! rescales and steps.

mod convert;
mod error;
mod fit;
mod float;
mod fold;
mod header;
mod mapped;
mod model;
mod names;
mod resolve;
mod tensor;

pub use error::{FileError, LoadError, ParamsError, SaveError, WeightsError};
pub use fit::{Misfit, Misshapen, Missing, Present};
pub use float::FloatWeights;
pub use header::FORMAT_VERSION;
pub use model::{load_model, save_model};
pub use resolve::resolve;
pub use tensor::FloatTensor;
pub use zkml_ir::shape::Shape;
