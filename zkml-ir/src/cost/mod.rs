//! What a model costs to prove, from the very plan that is proven.

mod dims;
mod estimate;
mod machine;
mod memory;
mod pool;
mod report;
mod row;

pub(crate) use dims::NAIVE_SOFTMAX_ROWS;
pub use dims::{AttentionCost, MatMulDims};
pub use estimate::Estimate;
pub use machine::{Machine, MachineError};
pub use memory::Memory;
pub use report::{placeholder, report, CostReport, TreeCost};
pub use row::{generic, OpCost};
