//! The prover's half: commitments, the reduction's rounds, and the STARK by stwo's prover.

mod air;
mod commit;
mod context;
mod high;
mod kernels;
mod low;
mod open;
mod packed;
mod rounds;
mod sums;

pub use commit::{commit, CommitError, CommittedTree};
pub use context::ProverContext;
pub use open::{prove_opening, ProveError};

#[cfg(test)]
pub(super) use air::MleEvalProver;
