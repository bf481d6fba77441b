//! The STARK for one claim `V(rho) = v`, proven: the transcript of stwo's `prove`, and its proof bit for bit.
//!
//! stwo's prover reads the extension of every column three times. With one linear component all three are linear in
//! the columns (DESIGN 5.10): `V`, the samples and the quotients are taken from trace rows, which are fewer and stored in
//! fewer bytes, each with one pass of integer arithmetic. Extensions are read at the queries only.

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

use super::column::Cells;
use super::commit::{merkle, CommittedTree, Hashes};
use super::composition;
use super::context::ProverContext;
use super::kernels::inner_products;
use super::open::ProveError;
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
) -> Result<OpeningProof, ProveError>
where
    M: MerkleChannel<H = H>,
    SimdBackend: BackendForChannel<M>,
{
    let config = ctx.params.config();
    let roots: Vec<_> = trees.iter().map(|tree| tree.root()).collect();
    let channel = stark::begin::<M>(t, &config, &roots, claim.value);

    let TraceColumns { v, e, sums, .. } = columns;
    let extend = |columns: &[BaseColumn; 4]| columns.par_iter().map(|c| ctx.extend(c.clone())).collect();
    let sums_extended: Vec<BaseColumn> = extend(&sums);
    let sums_hashes = merkle(ctx, &sums_extended);
    M::mix_root(channel, sums_hashes.root());
    // With a single constraint its random coefficient is the zeroth power: drawn, and of no effect.
    channel.draw_secure_felt();
    let halves = composition::halves(ctx, claim, [v, e], std::array::from_fn(|k| &sums_extended[k]));
    let halves_extended: Vec<BaseColumn> = halves.par_iter().map(|half| ctx.evaluate(half)).collect();
    let composition_hashes = merkle(ctx, &halves_extended);
    M::mix_root(channel, composition_hashes.root());

    let z = CirclePoint::<F>::get_random_point(channel);
    let (samples, sums_samples) = sample(ctx, trees, &sums, [claim.previous(z), z]);
    let mut proof = OpeningProof {
        rounds,
        sums_root: sums_hashes.root(),
        composition_root: composition_hashes.root(),
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
    let own: Vec<&BaseColumn> = sums_extended.iter().chain(&halves_extended).collect();
    let quotients = quotients::combine(ctx, trees, &own, samples, alpha);
    let own = [(&sums_hashes, &sums_extended[..]), (&composition_hashes, &halves_extended[..])];
    answer::<M>(channel, ctx, trees, own, &quotients, &mut proof)?;
    sums_extended.into_iter().chain(halves_extended).for_each(|column| ctx.recycle(column));
    Ok(proof)
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
    let sums: Vec<_> = sums.iter().map(|column| Cells::Words(&column.data)).collect();
    let given = trees.iter().flat_map(|tree| &tree.columns).map(|column| column.cells());
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
    trees: &[&CommittedTree],
    own: [(&Hashes, &[BaseColumn]); 2],
    quotients: &SecureEvaluation<SimdBackend, BitReversedOrder>,
    proof: &mut OpeningProof,
) -> Result<(), ProveError>
where
    M: MerkleChannel<H = H>,
    SimdBackend: BackendForChannel<M>,
{
    let config = ctx.params.config();
    let fri = FriProver::<SimdBackend, M>::commit(channel, config.fri_config, quotients, &ctx.twiddles);
    proof.nonce = info_span!("grind").in_scope(|| SimdBackend::grind(channel, config.pow_bits));
    channel.mix_u64(proof.nonce);

    let _span = info_span!("decommit").entered();
    let decommitted = fri.decommit(channel);
    let queries = &decommitted.query_positions;
    for tree in trees {
        proof.queried.push(tree.extension.rows(queries).map_err(|e| ProveError::Extension(e.to_string()))?);
        proof.paths.push(tree.hashes.decommit(queries, vec![]).1.decommitment.hash_witness);
    }
    for (hashes, columns) in own {
        let (queried, path) = hashes.decommit(queries, columns.iter().collect());
        proof.queried.push(queried);
        proof.paths.push(path.decommitment.hash_witness);
    }
    let fri = decommitted.fri_proof.proof;
    proof.fri_layers = std::iter::once(fri.first_layer).chain(fri.inner_layers).map(fri_layer).collect();
    proof.last_layer = fri.last_layer_poly.to_vec();
    Ok(())
}

fn fri_layer(layer: FriLayerProof<H>) -> FriLayer {
    FriLayer { root: layer.commitment, witness: layer.fri_witness, path: layer.decommitment.hash_witness }
}
