//! Proves an opening.

use num_traits::Zero;
use stwo::core::channel::{Channel, MerkleChannel};
#[cfg(test)]
use stwo::core::circle::CirclePoint;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::BackendForChannel;
use thiserror::Error;
use tracing::instrument;

use super::commit::CommittedTree;
use super::context::ProverContext;
use super::rounds::{self, Reduced};
use super::stark;
use super::sums::{self, TraceColumns};
use crate::pcs::component::MleEval;
use crate::pcs::reduction::{self, Round};
use crate::pcs::statement::{self, Group, Params, StatementError};
use crate::pcs::{OpeningProof, F, H, MC};
use crate::transcript::Transcript;

#[derive(Clone, Debug, Error)]
pub enum ProveError {
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("tree {tree} was committed under other parameters: expected {expected:?}, got {got:?}")]
    Params { tree: usize, expected: Params, got: Params },
    #[error("the claim does not hold")]
    FalseClaim,
    #[error("cannot read an extension from its file: {0}")]
    Extension(String),
}

/// Proves `claim = sum over groups and terms of weight * sum over lo of eq(point, lo) * column[slot * 2^t + lo]`.
///
/// The transcript must already hold the roots of the trees, and everything that points and weights derive from.
pub fn prove_opening(
    t: &mut Transcript,
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    groups: &[Group],
    claim: F,
) -> Result<OpeningProof, ProveError> {
    prove_opening_on::<MC>(t, ctx, trees, groups, claim)
}

/// [`prove_opening`] on another channel.
#[instrument(name = "prove_opening", skip_all)]
pub fn prove_opening_on<M>(
    t: &mut Transcript<M::C>,
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    groups: &[Group],
    claim: F,
) -> Result<OpeningProof, ProveError>
where
    M: MerkleChannel<H = H>,
    SimdBackend: BackendForChannel<M>,
{
    let (claim, columns, rounds) = reduce(t, ctx, trees, groups, claim)?;
    if !columns.excess.is_zero() {
        return Err(ProveError::FalseClaim);
    }
    stark::prove::<M>(t, ctx, trees, &claim, columns, rounds, |_, _| ())
}

fn reduce<C: Channel>(
    t: &mut Transcript<C>,
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    groups: &[Group],
    claim: F,
) -> Result<(MleEval, TraceColumns, Vec<Round>), ProveError> {
    let n_columns: Vec<usize> = trees.iter().map(|tree| tree.n_columns()).collect();
    statement::check(&ctx.params, &n_columns, groups)?;
    if let Some(tree) = trees.iter().position(|tree| tree.params != ctx.params) {
        return Err(ProveError::Params { tree, expected: ctx.params, got: trees[tree].params });
    }
    let Reduced { rounds, rho, value } = rounds::prove(t, ctx.params.log_rows as usize, trees, groups, claim);
    let coefficients = reduction::coefficients(groups, &rho, &n_columns);
    let claim = MleEval { log_rows: ctx.params.log_rows, coefficients, rho, value };
    let columns = sums::columns(&claim, trees);
    Ok((claim, columns, rounds))
}

/// A prover that goes on with a false claim, and sends the samples it likes.
#[cfg(test)]
pub(in crate::pcs) fn forge_opening(
    t: &mut Transcript,
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    groups: &[Group],
    claim: F,
    alter: impl FnOnce(&MleEval, CirclePoint<F>, &mut OpeningProof),
) -> OpeningProof {
    let (claim, columns, rounds) =
        reduce(t, ctx, trees, groups, claim).expect("a claim on committed columns");
    stark::prove::<MC>(t, ctx, trees, &claim, columns, rounds, |z, proof| alter(&claim, z, proof))
        .expect("extensions in memory")
}
