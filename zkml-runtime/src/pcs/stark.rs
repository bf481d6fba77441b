//! The STARK for one claim `V(rho) = v`, verified: stwo's flow over its public items, with every length checked
//! where it becomes known (DESIGN 5.8). stwo's own `verify` panics on some malformed proofs and truncates others.

use num_traits::{One, Zero};
use stwo::core::channel::{Blake2sChannel, Channel, MerkleChannel};
use stwo::core::circle::CirclePoint;
use stwo::core::fields::FieldExpOps;
use stwo::core::fri::{CirclePolyDegreeBound, FriLayerProof, FriProof, FriVerifier};
use stwo::core::pcs::quotients::{fri_answers, PointSample};
use stwo::core::pcs::{PcsConfig, TreeVec};
use stwo::core::poly::line::LinePoly;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::verifier::{MerkleDecommitmentLifted, MerkleVerifierLifted};
use tracing::instrument;

use super::component::MleEval;
use super::error::{OpeningError, Part};
use super::layout::Layout;
use super::proof::{FriLayer, OpeningProof};
use super::statement::Params;
use super::verifier::expect;
use super::{reduction, F, H, MC};
use crate::transcript::Transcript;

/// Step by step as stwo's prover runs its channel. The lengths in `proof` that do not depend on the queries are
/// already checked.
#[instrument(skip_all)]
pub(super) fn verify(
    t: &mut Transcript,
    params: &Params,
    layout: &Layout,
    roots: &[Blake2sHash],
    claim: &MleEval,
    proof: &OpeningProof,
) -> Result<(), OpeningError> {
    let config = params.config();
    let channel = begin::<MC>(t, &config, roots, claim.value);
    MC::mix_root(channel, proof.sums_root);
    // With a single constraint its random coefficient is the zeroth power: drawn, and of no effect.
    channel.draw_secure_felt();
    MC::mix_root(channel, proof.composition_root);

    let z = out_of_domain_point(channel, claim).ok_or(OpeningError::OutOfDomainPoint)?;
    check_constraint(claim, z, proof)?;

    let samples = samples_at(claim, z, proof);
    let batching = mix_samples(channel, &samples);

    let bound = CirclePolyDegreeBound::new(params.log_rows);
    let mut fri = FriVerifier::<MC>::commit(channel, config.fri_config, fri_proof(proof), bound)?;
    if !channel.verify_pow_nonce(config.pow_bits, proof.nonce) {
        return Err(OpeningError::ProofOfWork { expected: config.pow_bits });
    }
    channel.mix_u64(proof.nonce);
    let positions = fri.sample_query_positions(channel);

    let all_roots = roots.iter().copied().chain([proof.sums_root, proof.composition_root]);
    for (tree, root) in all_roots.enumerate() {
        check_tree(layout, tree, root, &positions, proof)?;
    }
    let log_sizes = layout.columns.iter().map(|&n| vec![layout.log_domain; n]).collect();
    let queried = TreeVec::new(proof.queried.clone());
    let answers = fri_answers(
        TreeVec::new(log_sizes),
        TreeVec::new(samples),
        batching,
        &positions,
        queried,
        layout.log_domain,
    )
    .map_err(|_| OpeningError::Answers)?;
    Ok(fri.decommit(answers)?)
}

/// Draws z as stwo does, unless it is a point that stwo's formulas cannot take.
fn out_of_domain_point(channel: &mut Blake2sChannel, claim: &MleEval) -> Option<CirclePoint<F>> {
    let t = channel.clone().draw_secure_felt();
    is_regular(t, claim).then(|| CirclePoint::get_random_point(channel))
}

/// Is z of parameter t, `((1 - t^2), 2 t) / (1 + t^2)`, a point at which nothing is divided by zero? Not by `1 + t^2`, and
/// not by `y - conj(y)`, the slope of the line through a sample's point and its conjugate. The latter is one chance in
/// 2^60, too many for a panic.
fn is_regular(t: F, claim: &MleEval) -> bool {
    let (square, one) = (t * t, F::one());
    if (one + square).is_zero() {
        return false;
    }
    let scale = (one + square).inverse();
    let z = CirclePoint { x: (one - square) * scale, y: (t + t) * scale };
    let is_own_conjugate = |p: CirclePoint<F>| p.y.1.is_zero();
    !is_own_conjugate(z) && !is_own_conjugate(claim.previous(z))
}

/// Enters stwo's part of the transcript. The value is fixed before the prefix sums are committed.
pub(super) fn begin<'t, M: MerkleChannel<H = H>>(
    t: &'t mut Transcript<M::C>,
    config: &PcsConfig,
    roots: &[Blake2sHash],
    value: F,
) -> &'t mut M::C {
    reduction::end(t, value);
    let channel = t.channel();
    config.mix_into(channel);
    roots.iter().for_each(|&root| M::mix_root(channel, root));
    channel
}

/// Absorbs the samples, and draws the coefficient that combines them.
pub(super) fn mix_samples<C: Channel>(channel: &mut C, samples: &[Vec<Vec<PointSample>>]) -> F {
    let values: Vec<F> = samples.iter().flatten().flatten().map(|sample| sample.value).collect();
    channel.mix_felts(&values);
    channel.draw_secure_felt()
}

/// The composition polynomial is `left + pi^(b-1)(z.x) * right`, and must equal the quotient of the constraint.
fn check_constraint(claim: &MleEval, z: CirclePoint<F>, proof: &OpeningProof) -> Result<(), OpeningError> {
    let join = |row: usize| F::from_partial_evals(proof.sums_samples.map(|column| column[row]));
    let quotient =
        claim.quotient_at(z, &proof.samples, join(0), join(1)).ok_or(OpeningError::OutOfDomainPoint)?;
    let half =
        |k: usize| F::from_partial_evals(std::array::from_fn(|i| proof.composition_samples[4 * k + i]));
    let composition = half(0) + z.repeated_double(claim.log_rows - 1).x * half(1);
    if composition != quotient {
        return Err(OpeningError::Constraint);
    }
    Ok(())
}

/// One sample per claimed column, two per prefix-sum column, one per composition column, none elsewhere.
pub(super) fn samples_at(
    claim: &MleEval,
    z: CirclePoint<F>,
    proof: &OpeningProof,
) -> Vec<Vec<Vec<PointSample>>> {
    let at_z = |value: &F| vec![PointSample { point: z, value: *value }];
    let before = claim.previous(z);
    let mut samples: Vec<Vec<Vec<PointSample>>> =
        proof.samples.iter().map(|tree| tree.iter().map(at_z).collect()).collect();
    let sums = proof.sums_samples.iter().map(|&[previous, current]| {
        vec![PointSample { point: before, value: previous }, PointSample { point: z, value: current }]
    });
    samples.push(sums.collect());
    samples.push(proof.composition_samples.iter().map(at_z).collect());
    samples
}

fn fri_proof(proof: &OpeningProof) -> FriProof<H> {
    let mut layers = proof.fri_layers.iter().map(|FriLayer { root, witness, path }| FriLayerProof {
        fri_witness: witness.clone(),
        decommitment: MerkleDecommitmentLifted { hash_witness: path.clone() },
        commitment: *root,
    });
    FriProof {
        first_layer: layers.next().expect("the layout has a first layer, and the proof as many as it"),
        inner_layers: layers.collect(),
        last_layer_poly: LinePoly::new(proof.last_layer.clone()),
    }
}

/// stwo's Merkle verifier asserts that every column has one value per position.
fn check_tree(
    layout: &Layout,
    tree: usize,
    root: Blake2sHash,
    positions: &[usize],
    proof: &OpeningProof,
) -> Result<(), OpeningError> {
    let columns = &proof.queried[tree];
    for (column, values) in columns.iter().enumerate() {
        expect(Part::QueriedValues { tree, column }, positions.len(), values.len())?;
    }
    let verifier =
        MerkleVerifierLifted::<H>::new(root, vec![layout.log_domain; columns.len()], Some(layout.log_domain));
    let path = MerkleDecommitmentLifted { hash_witness: proof.paths[tree].clone() };
    verifier.verify(positions, columns.clone(), path).map_err(|source| OpeningError::Merkle { tree, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_that_divide_by_zero_are_not_regular() {
        let claim = MleEval { log_rows: 10, coefficients: vec![], rho: vec![F::one(); 10], value: F::one() };
        let i = F::from_u32_unchecked(0, 1, 0, 0);
        assert!((F::one() + i * i).is_zero());
        assert!(!is_regular(i, &claim));
        // t in the subfield gives y in the subfield.
        assert!(!is_regular(F::from_u32_unchecked(5, 7, 0, 0), &claim));
        // The previous row's point in the subfield: z is one step further.
        let parameter = |p: CirclePoint<F>| p.y / (F::one() + p.x);
        let square = F::from_u32_unchecked(3, 2, 0, 0);
        let inner = CirclePoint {
            x: (F::one() - square * square) / (F::one() + square * square),
            y: (square + square) / (F::one() + square * square),
        };
        let after = inner + claim.trace_coset().step().into_ef();
        assert!(!is_regular(parameter(after), &claim));
        let t = F::from_u32_unchecked(5, 7, 11, 13);
        assert!(is_regular(t, &claim));
    }

    #[test]
    fn the_parameter_is_that_of_stwo_s_point() {
        let mut channel = Blake2sChannel::default();
        let t = channel.clone().draw_secure_felt();
        let z = CirclePoint::<F>::get_random_point(&mut channel);
        assert_eq!(t, z.y / (F::one() + z.x));
    }
}
