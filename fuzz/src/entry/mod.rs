//! What the fuzzers call with their bytes. The library's tests include these files and replay the corpus.

pub mod edits;
pub mod golden;
#[allow(dead_code)]
#[path = "../../../zkml-runtime/tests/common/graph/mod.rs"]
pub mod graph;
pub mod key;
pub mod plan;
pub mod proof;
pub mod verifier;
