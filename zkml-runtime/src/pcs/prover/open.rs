//! Proves an opening.

use num_traits::Zero;
use thiserror::Error;
use tracing::instrument;

use super::commit::CommittedTree;
use super::context::ProverContext;
use super::rounds::{self, Reduced};
use super::{stark, sums};
use crate::pcs::component::MleEval;
use crate::pcs::reduction;
use crate::pcs::statement::{self, Group, StatementError};
use crate::pcs::{OpeningProof, F};
use crate::transcript::Transcript;

#[derive(Clone, Copy, Debug, Error)]
pub enum ProveError {
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("tree {tree} was committed with another number of rows: expected {expected}, got {got}")]
    Rows { tree: usize, expected: usize, got: usize },
    #[error("the claim does not hold")]
    FalseClaim,
}

/// Proves `claim = sum over groups and terms of weight * sum over lo of eq(point, lo) * column[slot * 2^t + lo]`.
///
/// The transcript must already hold the roots of the trees, and everything that points and weights derive from.
#[instrument(skip_all)]
pub fn prove_opening(
    t: &mut Transcript,
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    groups: &[Group],
    claim: F,
) -> Result<OpeningProof, ProveError> {
    let n_columns: Vec<usize> = trees.iter().map(|tree| tree.n_columns()).collect();
    statement::check(&ctx.params, &n_columns, groups)?;
    let expected = 1 << ctx.params.log_rows;
    for (tree, committed) in trees.iter().enumerate() {
        let got = committed.columns[0].length;
        if got != expected {
            return Err(ProveError::Rows { tree, expected, got });
        }
    }

    let Reduced { rounds, rho, value } = rounds::prove(t, ctx.params.log_rows as usize, trees, groups, claim);
    let coefficients = reduction::coefficients(groups, &rho, &n_columns);
    let claim = MleEval { log_rows: ctx.params.log_rows, coefficients, rho, value };
    let columns = sums::columns(&claim, trees);
    if !columns.excess.is_zero() {
        return Err(ProveError::FalseClaim);
    }
    Ok(stark::prove(t, ctx, trees, &claim, columns, rounds))
}
