//! Commitments, and the opening of many linear claims on committed columns by one STARK.
//!
//! A commitment is a Merkle tree over the low-degree extensions of columns of `2^b` rows. A claim is a weighted sum
//! of multilinear evaluations of slots of columns; a sumcheck reduces all claims of a proof to one, at one point,
//! and a STARK with a single component proves that (DESIGN 5.5). The verifier is our own, over stwo's public items
//! (DESIGN 5.8), and needs neither the `prover` feature nor an unstable compiler.

mod component;
mod eq;
mod error;
mod layout;
mod proof;
#[cfg(feature = "prover")]
mod prover;
mod reduction;
mod stark;
mod statement;
#[cfg(all(test, feature = "prover"))]
mod tests;
mod verifier;

use stwo::core::fields::qm31::SecureField;
use stwo::core::vcs_lifted::blake2_merkle::{Blake2sMerkleChannel, Blake2sMerkleHasher};

pub use component::{inverse_twiddles, layer_coordinates, twiddles, MleEval};
pub use error::{OpeningError, Part};
pub use proof::{FriLayer, OpeningProof};
#[cfg(feature = "prover")]
pub use prover::{
    commit, commit_in, prove_columns, prove_opening, prove_opening_on, Batch, Column, Columns, CommitError,
    CommittedTree, ProveError, ProverContext, Samples, Store,
};
pub use statement::{Group, Params, ParamsError, StatementError, Term};
pub use verifier::verify_opening;

type F = SecureField;
type MC = Blake2sMerkleChannel;
type H = Blake2sMerkleHasher;
