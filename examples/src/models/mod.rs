//! The models that the examples prove.

pub mod bert;
pub mod digits;
pub mod gpt2;
