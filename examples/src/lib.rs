//! Shared parts of the examples: options, report, progress, session, golden proofs, the sentence
//! encoder's files.

pub mod checkpoint;
pub mod classify;
pub mod golden;
pub mod gpt2;
pub mod limits;
pub mod minilm;
pub mod options;
pub use zkml_progress as progress;
pub mod report;
pub mod session;
pub mod text;
