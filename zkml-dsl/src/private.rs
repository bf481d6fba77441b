//! What generated code names. Not part of the interface.

pub use crate::engine::{
    Backend, Component, FloatTensor, FloatWeights, Model, Proof, SecurityLevel, Trace, VerifierKey,
};
pub use crate::typed::{
    generate_trace, join, prove, read, register, run_model, save, Acc, AsInt, Error, Expanded, HasWeights,
    Instance, Ir, NamedTensors, Record, Results, Source, Tensor, Unexpanded, Weight, WeightSet, ZkModel, I12,
    I16, I24, I8, U8,
};
pub use zkml_ir::graph::{Graph, Params};
pub use zkml_ir::tensor::IntTensor;
pub use zkml_macros::elaborate;
