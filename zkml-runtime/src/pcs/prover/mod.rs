//! The prover's half: commitments, the reduction's rounds, and the STARK.

mod column;
mod commit;
mod composition;
mod context;
mod extension;
mod high;
mod kernels;
mod leaves;
mod low;
mod open;
mod packed;
mod quotients;
mod rounds;
mod stark;
mod sums;
mod weights;

pub use column::Column;
pub use commit::{commit, commit_in, CommitError, CommittedTree};
pub use context::ProverContext;
pub use extension::Store;
pub use open::{prove_opening, prove_opening_on, ProveError};

#[cfg(test)]
pub(super) use open::forge_opening;
