//! Proves an opening.

use num_traits::Zero;
use stwo::core::channel::MerkleChannel;
#[cfg(test)]
use stwo::core::circle::CirclePoint;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::BackendForChannel;
use thiserror::Error;
use tracing::instrument;

use super::columns::Columns;
use super::commit::CommittedTree;
use super::context::ProverContext;
use super::in_memory::InMemory;
use super::rounds::{self, Reduced};
use super::stark;
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
    #[error("device: {0}")]
    Device(String),
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
    let mut columns = in_memory(ctx, trees)?;
    prove_columns::<M>(t, &ctx.params, &mut columns, groups, claim)
}

fn in_memory<'a>(ctx: &'a ProverContext, trees: &'a [&'a CommittedTree]) -> Result<InMemory<'a>, ProveError> {
    if let Some(tree) = trees.iter().position(|tree| tree.params != ctx.params) {
        return Err(ProveError::Params { tree, expected: ctx.params, got: trees[tree].params });
    }
    Ok(InMemory::new(ctx, trees))
}

/// [`prove_opening`] of columns that are kept elsewhere.
#[instrument(name = "prove_opening", skip_all)]
pub fn prove_columns<M: MerkleChannel<H = H>>(
    t: &mut Transcript<M::C>,
    params: &Params,
    columns: &mut impl Columns<M>,
    groups: &[Group],
    claim: F,
) -> Result<OpeningProof, ProveError> {
    let (claim, rounds) = reduce(t, params, columns, groups, claim)?;
    if !columns.sums(&claim)?.is_zero() {
        return Err(ProveError::FalseClaim);
    }
    stark::prove::<M>(t, params, columns, &claim, rounds, |_, _| ())
}

fn reduce<M: MerkleChannel<H = H>>(
    t: &mut Transcript<M::C>,
    params: &Params,
    columns: &mut impl Columns<M>,
    groups: &[Group],
    claim: F,
) -> Result<(MleEval, Vec<Round>), ProveError> {
    let n_columns = columns.n_columns();
    statement::check(params, &n_columns, groups)?;
    let Reduced { rounds, rho, value } = rounds::prove(t, params.log_rows as usize, columns, groups, claim)?;
    let coefficients = reduction::coefficients(groups, &rho, &n_columns);
    Ok((MleEval { log_rows: params.log_rows, coefficients, rho, value }, rounds))
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
    let columns: &mut InMemory<'_> = &mut in_memory(ctx, trees).expect("trees of this context");
    let (claim, rounds) = reduce::<MC>(t, &ctx.params, columns, groups, claim).expect("committed columns");
    Columns::<MC>::sums(columns, &claim).expect("memory does not fail");
    stark::prove::<MC>(t, &ctx.params, columns, &claim, rounds, |z, proof| alter(&claim, z, proof))
        .expect("extensions in memory")
}
