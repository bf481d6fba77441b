//! The prover's half: commitments, the reduction's rounds, and the STARK.

mod commit;
mod composition;
mod context;
mod high;
mod kernels;
mod low;
mod open;
mod packed;
mod quotients;
mod rounds;
mod stark;
mod sums;
mod weights;

pub use commit::{commit, CommitError, CommittedTree};
pub use context::ProverContext;
pub use open::{prove_opening, prove_opening_on, ProveError};

#[cfg(test)]
pub(super) use open::forge_opening;
