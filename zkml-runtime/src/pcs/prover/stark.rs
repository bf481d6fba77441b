//! The STARK for one claim `V(rho) = v`, proven: the transcript of stwo's `prove`, and its proof bit for bit.

use stwo::core::channel::{Channel, MerkleChannel};
use stwo::core::circle::CirclePoint;
use tracing::instrument;

use super::columns::{Columns, Samples};
use super::open::ProveError;
use super::quotients;
use crate::pcs::component::MleEval;
use crate::pcs::proof::OpeningProof;
use crate::pcs::reduction::Round;
use crate::pcs::statement::Params;
use crate::pcs::{stark, F, H};
use crate::transcript::Transcript;

/// `alter` may change the samples before they are sent. It lets tests play a prover that lies about them.
#[instrument(skip_all)]
pub(super) fn prove<M: MerkleChannel<H = H>>(
    t: &mut Transcript<M::C>,
    params: &Params,
    columns: &mut impl Columns<M>,
    claim: &MleEval,
    rounds: Vec<Round>,
    alter: impl FnOnce(CirclePoint<F>, &mut OpeningProof),
) -> Result<OpeningProof, ProveError> {
    let channel = stark::begin::<M>(t, &params.config(), &columns.roots(), claim.value);
    let sums_root = columns.commit_sums()?;
    M::mix_root(channel, sums_root);
    // With a single constraint its random coefficient is the zeroth power: drawn, and of no effect.
    channel.draw_secure_felt();
    let composition_root = columns.commit_composition(claim)?;
    M::mix_root(channel, composition_root);

    let z = CirclePoint::<F>::get_random_point(channel);
    let Samples { columns: samples, sums, composition } = columns.sample(claim.previous(z), z)?;
    let mut proof = OpeningProof {
        rounds,
        sums_root,
        composition_root,
        samples,
        sums_samples: sums,
        composition_samples: composition,
        fri_layers: Vec::new(),
        last_layer: Vec::new(),
        nonce: 0,
        queried: Vec::new(),
        paths: Vec::new(),
    };
    let samples = stark::samples_at(claim, z, &proof);
    alter(z, &mut proof);
    let alpha = stark::mix_samples(channel, &stark::samples_at(claim, z, &proof));
    let n_given = columns.n_columns().iter().sum();
    let batches = quotients::batches(params.log_domain(), n_given, samples, alpha);
    columns.answer(channel, &batches, &mut proof)?;
    Ok(proof)
}
