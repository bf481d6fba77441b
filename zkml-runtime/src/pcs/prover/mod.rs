//! The prover's half: commitments, the reduction's rounds, and the STARK.

mod column;
mod columns;
mod commit;
mod composition;
mod context;
mod extension;
mod groups;
mod high;
mod in_memory;
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
pub use columns::{Batch, Columns, Samples};
pub use commit::{commit, commit_in, CommitError, CommittedTree};
pub use context::ProverContext;
pub use extension::Store;
pub use open::{prove_columns, prove_opening, prove_opening_on, ProveError};

#[cfg(test)]
pub(super) use open::forge_opening;
