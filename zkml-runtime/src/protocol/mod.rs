//! The whole argument: what is stated, what is sent, and in which order (DESIGN 5.6).
//!
//! 1. protocol label, parameters, model digest, key, public values;
//! 2. roots of the private inputs and of the trace;
//! 3. alpha, beta; LogUp by GKR;
//! 4. output challenges, gamma; the batched sumcheck of all constraints;
//! 5. eta; every linear claim so far becomes one opening claim, which a STARK proves.

mod error;
mod lookups;
mod proof;
#[cfg(feature = "prover")]
mod prove;
mod statement;
mod system;
mod verify;

pub use error::{ProveError, StatementError, SystemError, VerifyError};
#[cfg(feature = "prover")]
pub use lookups::{lookup_blocks, table_order, Fingerprint, LookupBlock};
pub use proof::Proof;
#[cfg(feature = "prover")]
pub use prove::{
    commit_weights, prove, prove_on, prove_run, run_cells, stored_entry, weight_cells, CommittedWeights,
    Prover, Run, Witness,
};
pub use statement::Statement;
pub use system::{Key, Label, System};
pub use verify::{check_key, verify};
