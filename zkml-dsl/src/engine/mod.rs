//! The untyped run-time that generated models wrap: graphs, integer tensors, proofs.

mod component;
mod error;
mod memory;
mod model;
mod verify;

pub use component::{register, Component};
pub use error::Error;
pub use memory::{available_memory, check_memory, estimate_memory, MemoryError, Task};
pub use model::{run, Figures, Model};
pub use verify::{verify, Statement};

pub use crate::weights::{FloatTensor, FloatWeights};
pub use zkml_ir::cost::Memory;
pub use zkml_ir::exec::Witness as Trace;

pub use zkml_runtime::artifact::{ProofFile as Proof, VerifierKey};
pub use zkml_runtime::security::SecurityLevel;
