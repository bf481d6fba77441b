//! Dense float tensors.

pub use zkml_ir::float::FloatTensor;
