//! The untyped run-time that generated models wrap: graphs, integer tensors, proofs.

mod backend;
mod component;
mod error;
mod memory;
mod model;
mod verify;
mod widths;

pub use backend::{Backend, Settings};
pub use component::{register, Component};
pub use error::Error;
pub use memory::{available_memory, check_memory, estimate_memory, MemoryError, Task};
pub use model::{run, Figures, Model};
pub use verify::{verify, verify_at, AcceptedLevel, Statement};
pub use widths::recommend_widths;

pub use crate::weights::{FloatTensor, FloatWeights};
pub use zkml_ir::calibrate::{Accuracy, Widths};
pub use zkml_ir::cost::{CostReport, Machine, MachineError, Memory};
pub use zkml_ir::exec::Witness as Trace;

pub use zkml_runtime::artifact::{Certificate, PortableKey, ProofFile as Proof, StatementFile, VerifierKey};
pub use zkml_runtime::probe::machine as probe_machine;
pub use zkml_runtime::security::SecurityLevel;
