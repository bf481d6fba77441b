//! The STARK for one claim `V(rho) = v`, proven: the transcript of stwo's `prove`, and its proof bit for bit.
//!
//! stwo's prover reads the extension of every column three times. With one linear component all three are linear in
//! the columns (DESIGN 5.10): `V` and the samples are taken from trace rows, which are fewer, and the quotients from
//! as many rows of the extension, each with one pass of integer arithmetic.

use rayon::prelude::*;
use stwo::core::channel::{Channel, MerkleChannel};
use stwo::core::circle::CirclePoint;
use stwo::core::fri::FriLayerProof;
use stwo::core::proof_of_work::GrindOps;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::BackendForChannel;
use stwo::prover::fri::FriProver;
use stwo::prover::poly::circle::SecureEvaluation;
use stwo::prover::poly::BitReversedOrder;
use tracing::{info_span, instrument};

use super::commit::{merkle, CommittedTree, Tree};
use super::composition;
use super::context::ProverContext;
use super::kernels::inner_products;
use super::sums::TraceColumns;
use super::{quotients, weights};
use crate::pcs::component::MleEval;
use crate::pcs::proof::{FriLayer, OpeningProof};
use crate::pcs::reduction::Round;
use crate::pcs::{stark, F, H};
use crate::transcript::Transcript;

/// `alter` may change the samples before they are sent. It lets tests play a prover that lies about them.
#[instrument(skip_all)]
pub(super) fn prove<M>(
    t: &mut Transcript<M::C>,
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    claim: &MleEval,
    columns: TraceColumns,
    rounds: Vec<Round>,
    alter: impl FnOnce(CirclePoint<F>, &mut OpeningProof),
) -> OpeningProof
where
    M: MerkleChannel<H = H>,
    SimdBackend: BackendForChannel<M>,
{
    let config = ctx.params.config();
    let roots: Vec<_> = trees.iter().map(|tree| tree.root()).collect();
    let channel = stark::begin::<M>(t, &config, &roots, claim.value);

    let TraceColumns { v, e, sums, .. } = columns;
    let sums_tree = merkle(ctx, sums.par_iter().map(|column| ctx.extend(column.clone())).collect());
    M::mix_root(channel, sums_tree.commitment.root());
    // With a single constraint its random coefficient is the zeroth power: drawn, and of no effect.
    channel.draw_secure_felt();
    let extended = std::array::from_fn(|k| &sums_tree.polynomials[k].evals.values);
    let halves = composition::halves(ctx, claim, [v, e], extended);
    let composition_tree = merkle(ctx, halves.par_iter().map(|half| ctx.evaluate(half)).collect());
    M::mix_root(channel, composition_tree.commitment.root());

    let z = CirclePoint::<F>::get_random_point(channel);
    let (samples, sums_samples) = sample(ctx, trees, &sums, [claim.previous(z), z]);
    let mut proof = OpeningProof {
        rounds,
        sums_root: sums_tree.commitment.root(),
        composition_root: composition_tree.commitment.root(),
        samples,
        sums_samples,
        composition_samples: std::array::from_fn(|i| halves[i].eval_at_point(z)),
        fri_layers: Vec::new(),
        last_layer: Vec::new(),
        nonce: 0,
        queried: Vec::new(),
        paths: Vec::new(),
    };
    let samples = stark::samples_at(claim, z, &proof);
    alter(z, &mut proof);
    let alpha = stark::mix_samples(channel, &stark::samples_at(claim, z, &proof));
    let all_trees: Vec<&Tree> =
        trees.iter().map(|tree| &tree.tree).chain([&sums_tree, &composition_tree]).collect();
    let quotients = quotients::combine(ctx, &all_trees, samples, alpha);
    answer::<M>(channel, ctx, &all_trees, &quotients, &mut proof);
    [sums_tree, composition_tree].into_iter().for_each(|tree| recycle(ctx, tree));
    proof
}

/// The values of the given trees' columns at the second point, and of the prefix sums at both.
#[instrument(skip_all)]
fn sample(
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    sums: &[BaseColumn; 4],
    [previous, z]: [CirclePoint<F>; 2],
) -> (Vec<Vec<F>>, [[F; 2]; 4]) {
    let at_z = weights::at(&ctx.inverse_twiddles, z);
    let sums: Vec<_> = sums.iter().map(|column| column.data.as_slice()).collect();
    let given = trees.iter().flat_map(|tree| &tree.columns).map(|column| column.data.as_slice());
    let columns: Vec<_> = given.chain(sums.iter().copied()).collect();
    let mut values = inner_products(&columns, &at_z).into_iter();
    let samples = trees.iter().map(|tree| values.by_ref().take(tree.n_columns()).collect()).collect();

    let previous = inner_products(&sums, &weights::at(&ctx.inverse_twiddles, previous));
    let current: Vec<F> = values.collect();
    (samples, std::array::from_fn(|i| [previous[i], current[i]]))
}

/// FRI, grinding, and what the queries ask for.
fn answer<M>(
    channel: &mut M::C,
    ctx: &ProverContext,
    trees: &[&Tree],
    quotients: &SecureEvaluation<SimdBackend, BitReversedOrder>,
    proof: &mut OpeningProof,
) where
    M: MerkleChannel<H = H>,
    SimdBackend: BackendForChannel<M>,
{
    let config = ctx.params.config();
    let fri = FriProver::<SimdBackend, M>::commit(channel, config.fri_config, quotients, &ctx.twiddles);
    proof.nonce = info_span!("grind").in_scope(|| SimdBackend::grind(channel, config.pow_bits));
    channel.mix_u64(proof.nonce);

    let _span = info_span!("decommit").entered();
    let decommitted = fri.decommit(channel);
    for tree in trees {
        let columns = tree.polynomials.iter().map(|poly| &poly.evals.values).collect();
        let (queried, path) = tree.commitment.decommit(&decommitted.query_positions, columns);
        proof.queried.push(queried);
        proof.paths.push(path.decommitment.hash_witness);
    }
    let fri = decommitted.fri_proof.proof;
    proof.fri_layers = std::iter::once(fri.first_layer).chain(fri.inner_layers).map(fri_layer).collect();
    proof.last_layer = fri.last_layer_poly.to_vec();
}

fn fri_layer(layer: FriLayerProof<H>) -> FriLayer {
    FriLayer { root: layer.commitment, witness: layer.fri_witness, path: layer.decommitment.hash_witness }
}

fn recycle(ctx: &ProverContext, tree: Tree) {
    tree.polynomials.into_iter().for_each(|poly| ctx.recycle(poly.evals.values));
}
