//! What a model costs to prove.

mod dims;

pub use dims::{AttentionCost, MatMulDims};
