//! Whole networks as `#[zk_model]` functions, the import of their published weights, and plain float references that they
//! are checked against.

pub mod bert;
pub mod gpt2;
pub mod llama;
pub mod metrics;
mod random;
pub mod reference;
pub mod seeded;
mod sizes;
pub mod vision;
