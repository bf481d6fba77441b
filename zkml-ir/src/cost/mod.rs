//! What a model costs to prove, from the very plan that is proven.

mod dims;
mod estimate;
mod report;
mod row;

pub use dims::{AttentionCost, MatMulDims};
pub use estimate::Estimate;
pub use report::{placeholder, report, CostReport, TreeCost};
pub use row::OpCost;
