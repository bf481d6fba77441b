//! The typed surface over the engine: what a model's generated code and its user hand each other.

mod elem;
mod error;
mod instance;
mod record;
mod tensor;
mod weights;

pub use elem::{Acc, Element, I12, I16, I24, I8, U8};
pub use error::{Error, WeightProblem};
pub(crate) use instance::check_inputs;
pub use instance::{
    generate_trace, prove, register, run_model, save, Expanded, HasWeights, Instance, Ir, Unexpanded, ZkModel,
};
pub use record::{read, Record, Results, Source};
pub use tensor::{AsInt, Tensor, Weight};
pub use weights::{join, NamedTensors, WeightSet};
