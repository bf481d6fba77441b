//! The front-end-neutral core of zkml: shapes, integer intervals, ops, graph, lowering and cost.
//!
//! Plain data and plain functions: no `syn`, no `stwo`. The macro runs this code at compile time and the runtime runs
//! the same code when it proves, so what is printed, checked and proven cannot disagree.

pub mod calibrate;
pub mod cost;
pub mod elem;
pub mod exec;
pub mod float;
pub mod graph;
pub mod lang;
pub mod layout;
pub mod lower;
pub mod ops;
pub mod plan;
pub mod shape;
pub mod tables;
pub mod tensor;
#[cfg(test)]
mod testing;
