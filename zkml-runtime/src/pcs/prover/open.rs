//! Proves an opening.

use rayon::prelude::*;
use stwo::core::fri::FriLayerProof;
use stwo::core::proof::StarkProof;
use stwo::core::utils::MaybeOwned;
use stwo::prover::poly::circle::CircleEvaluation;
use stwo::prover::{prove, CommitmentSchemeProver, ProvingError};
use thiserror::Error;
use tracing::instrument;

use super::air::{MleEvalProver, ProverColumns};
use super::commit::CommittedTree;
use super::context::ProverContext;
use super::rounds::{self, Reduced};
use super::sums;
use crate::pcs::component::MleEval;
use crate::pcs::proof::{FriLayer, OpeningProof};
use crate::pcs::reduction::{self, Round};
use crate::pcs::statement::{self, Group, StatementError};
use crate::pcs::{F, H, MC};
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
    let proof = prove_stark(t, ctx, trees, &claim)?;
    Ok(convert(rounds, proof, trees.len()))
}

fn prove_stark(
    t: &mut Transcript,
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    claim: &MleEval,
) -> Result<StarkProof<H>, ProveError> {
    reduction::end(t, claim.value);
    let config = ctx.params.config();
    let channel = t.channel();
    config.mix_into(channel);
    let mut scheme = CommitmentSchemeProver::<_, MC>::with_memory_pool(config, &ctx.twiddles, &ctx.pool);
    for tree in trees {
        scheme.commit_tree(MaybeOwned::Borrowed(&tree.tree), channel);
    }
    let columns = sums::columns(claim, trees);
    let domain = ctx.trace_domain();
    let mut builder = scheme.tree_builder();
    builder.extend_evals(
        columns.sums.into_par_iter().map(|column| CircleEvaluation::new(domain, column)).collect(),
    );
    builder.commit(channel);

    let prover = Some(ProverColumns { ctx, v: columns.v, e: columns.e });
    prove(&[&MleEvalProver { claim, prover }], channel, scheme)
        .map_err(|ProvingError::ConstraintsNotSatisfied| ProveError::FalseClaim)
}

/// Keeps what the verifier cannot derive.
fn convert(rounds: Vec<Round>, StarkProof(proof): StarkProof<H>, n_trees: usize) -> OpeningProof {
    let layer = |layer: FriLayerProof<H>| FriLayer {
        root: layer.commitment,
        witness: layer.fri_witness,
        path: layer.decommitment.hash_witness,
    };
    let sampled = &proof.sampled_values;
    let fri = proof.fri_proof;
    OpeningProof {
        rounds,
        sums_root: proof.commitments[n_trees],
        composition_root: proof.commitments[n_trees + 1],
        samples: sampled[..n_trees]
            .iter()
            .map(|tree| tree.iter().map(|column| column[0]).collect())
            .collect(),
        sums_samples: std::array::from_fn(|i| std::array::from_fn(|k| sampled[n_trees][i][k])),
        composition_samples: std::array::from_fn(|i| sampled[n_trees + 1][i][0]),
        fri_layers: std::iter::once(fri.first_layer).chain(fri.inner_layers).map(layer).collect(),
        last_layer: fri.last_layer_poly.to_vec(),
        nonce: proof.proof_of_work,
        queried: proof.queried_values.0,
        paths: proof.decommitments.0.into_iter().map(|d| d.hash_witness).collect(),
    }
}
