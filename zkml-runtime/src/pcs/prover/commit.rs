//! Commitments to columns.

use rayon::prelude::*;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::m31::PackedBaseField;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::poly::circle::CircleEvaluation;
use stwo::prover::vcs_lifted::prover::MerkleProverLifted;
use stwo::prover::{CommitmentTreeProver, Poly};
use thiserror::Error;
use tracing::{info_span, instrument};

use super::context::ProverContext;
use crate::pcs::statement::Params;
use crate::pcs::MC;

pub(in crate::pcs) type Tree = CommitmentTreeProver<SimdBackend, MC>;

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CommitError {
    #[error("no columns to commit to")]
    NoColumns,
    #[error("column {column} has {got} rows, expected {expected}")]
    Rows { column: usize, expected: usize, got: usize },
}

/// Columns, their low-degree extensions, and the Merkle tree over these.
pub struct CommittedTree {
    pub(super) params: Params,
    pub(super) columns: Vec<BaseColumn>,
    pub(in crate::pcs) tree: Tree,
}

impl CommittedTree {
    pub fn root(&self) -> Blake2sHash {
        self.tree.commitment.root()
    }

    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// The columns on the trace domain. A row's position in memory (stwo's bit-reversed order of the circle domain)
    /// is its point of the hypercube, most significant bit first.
    pub fn columns(&self) -> &[BaseColumn] {
        &self.columns
    }
}

/// Commits to columns of exactly `2^b` rows.
#[instrument(skip_all, fields(columns = columns.len()))]
pub fn commit(columns: Vec<BaseColumn>, ctx: &ProverContext) -> Result<CommittedTree, CommitError> {
    if columns.is_empty() {
        return Err(CommitError::NoColumns);
    }
    let expected = 1usize << ctx.params.log_rows;
    if let Some(column) = columns.iter().position(|c| c.length != expected) {
        return Err(CommitError::Rows { column, expected, got: columns[column].length });
    }
    let span = info_span!("extend").entered();
    let extended = columns
        .par_iter()
        .map(|column| {
            // Leaves hash words as they lie in memory, but are opened reduced: a zero stored as p would break its path.
            let data = column.data.iter().map(|&v| PackedBaseField::reduce_simd(v.into_simd())).collect();
            let reduced = BaseColumn { data, length: column.length };
            ctx.extend(reduced)
        })
        .collect();
    span.exit();
    let tree = merkle(ctx, extended);
    Ok(CommittedTree { params: ctx.params, columns, tree })
}

/// The Merkle tree over extensions.
#[instrument(skip_all)]
pub(super) fn merkle(ctx: &ProverContext, extended: Vec<BaseColumn>) -> Tree {
    let commitment = MerkleProverLifted::commit(extended.iter().collect(), ctx.params.log_domain(), 0);
    let domain = ctx.evaluation_domain();
    let polynomials =
        extended.into_iter().map(|values| Poly::new(None, CircleEvaluation::new(domain, values))).collect();
    CommitmentTreeProver { polynomials, commitment }
}
