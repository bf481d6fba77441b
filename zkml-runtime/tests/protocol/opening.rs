//! Every field of a proof's opening, words that are no field elements, and parts of two proofs.

use crate::common::assert_refused;
use crate::common::case::full;
use num_traits::{One, Zero};
use zkml_runtime::einsum::EinsumError;
use zkml_runtime::field::{BaseField, F, P};
use zkml_runtime::gkr::GkrError;
use zkml_runtime::pcs::{OpeningError, Part};
use zkml_runtime::protocol::VerifyError;

/// A word of p is zero in arithmetic and another word on the wire.
#[test]
fn words_that_are_no_field_elements() {
    let c = full();
    for word in [P, u32::MAX] {
        let bad = |f: &mut F| {
            let mut words = f.to_m31_array();
            words[3] = BaseField::from_u32_unchecked(word);
            *f = F::from_m31_array(words);
        };
        let einsum = |verdict| assert_refused!(verdict, VerifyError::NotCanonical { part: "einsum" });
        einsum(c.with(|p| bad(&mut p.einsum.sum)));
        einsum(c.with(|p| bad(&mut p.einsum.rounds[0][2])));
        einsum(c.with(|p| bad(&mut p.einsum.operands[0][1])));
        let opening =
            |verdict| assert_refused!(verdict, VerifyError::Opening(OpeningError::NotCanonical { .. }));
        opening(c.with(|p| bad(&mut p.opening.rounds[0][0])));
        opening(c.with(|p| bad(&mut p.opening.samples[0][0])));
        opening(c.with(|p| bad(&mut p.opening.sums_samples[0][0])));
        opening(c.with(|p| bad(&mut p.opening.composition_samples[0])));
        opening(c.with(|p| bad(&mut p.opening.last_layer[0])));
        opening(c.with(|p| p.opening.queried[0][0][0] = BaseField::from_u32_unchecked(word)));
    }
}

#[test]
fn the_opening_s_values() {
    let c = full();
    let constraint = |verdict| assert_refused!(verdict, VerifyError::Opening(OpeningError::Constraint));
    for round in 0..c.proof.opening.rounds.len() {
        for k in 0..2 {
            constraint(c.with(|p| p.opening.rounds[round][k] += F::one()));
        }
    }
    constraint(c.with(|p| p.opening.rounds.reverse()));
    constraint(c.with(|p| p.opening.sums_root.0[0] ^= 1));
    constraint(c.with(|p| p.opening.composition_root.0[0] ^= 1));
    for tree in 0..c.proof.opening.samples.len() {
        constraint(c.with(|p| p.opening.samples[tree][0] += F::one()));
    }
    constraint(c.with(|p| p.opening.sums_samples[0][0] += F::one()));
    constraint(c.with(|p| p.opening.sums_samples.swap(0, 1)));
    constraint(c.with(|p| p.opening.composition_samples[7] += F::one()));
    let work = |verdict| assert_refused!(verdict, VerifyError::Opening(OpeningError::ProofOfWork { .. }));
    work(c.with(|p| p.opening.nonce ^= 1 << 63));
    work(c.with(|p| p.opening.fri_layers[0].root.0[0] ^= 1));
    work(c.with(|p| p.opening.last_layer[0] += F::one()));
    let trees = c.proof.opening.queried.len();
    for tree in 0..trees {
        let merkle = |verdict: Result<(), VerifyError>| match verdict {
            Err(VerifyError::Opening(OpeningError::Merkle { tree: at, .. })) => assert_eq!(at, tree),
            other => panic!("tree {tree}: {other:?}"),
        };
        merkle(c.with(|p| p.opening.queried[tree][0][0] += BaseField::one()));
        merkle(c.with(|p| p.opening.paths[tree][0].0[0] ^= 1));
        merkle(c.with(|p| {
            let _ = p.opening.paths[tree].pop();
        }));
    }
    let fri = |verdict| assert_refused!(verdict, VerifyError::Opening(OpeningError::Fri(_)));
    fri(c.with(|p| p.opening.fri_layers[0].witness[0] += F::one()));
    fri(c.with(|p| p.opening.fri_layers[0].path[0].0[0] ^= 1));
    fri(c.with(|p| {
        let _ = p.opening.fri_layers[0].witness.pop();
    }));
}

#[test]
fn the_opening_s_lengths() {
    let c = full();
    let length = |verdict: Result<(), VerifyError>, expected: Part| match verdict {
        Err(VerifyError::Opening(OpeningError::Length { part, .. })) => assert_eq!(part, expected),
        other => panic!("{expected}: {other:?}"),
    };
    length(
        c.with(|p| {
            let _ = p.opening.rounds.pop();
        }),
        Part::Rounds,
    );
    length(c.with(|p| p.opening.rounds.push([F::zero(); 2])), Part::Rounds);
    length(
        c.with(|p| {
            let _ = p.opening.samples.pop();
        }),
        Part::SampledTrees,
    );
    length(c.with(|p| p.opening.samples.push(vec![])), Part::SampledTrees);
    length(
        c.with(|p| {
            let _ = p.opening.samples[1].pop();
        }),
        Part::Samples { tree: 1 },
    );
    length(
        c.with(|p| {
            let _ = p.opening.fri_layers.pop();
        }),
        Part::FriLayers,
    );
    length(c.with(|p| p.opening.last_layer.push(F::zero())), Part::LastLayer);
    length(
        c.with(|p| {
            let _ = p.opening.queried.pop();
        }),
        Part::QueriedTrees,
    );
    length(
        c.with(|p| {
            let _ = p.opening.queried[2].pop();
        }),
        Part::QueriedColumns { tree: 2 },
    );
    let column = Part::QueriedValues { tree: 0, column: 0 };
    length(
        c.with(|p| {
            let _ = p.opening.queried[0][0].pop();
        }),
        column,
    );
    length(c.with(|p| p.opening.queried[0][0].push(BaseField::zero())), column);
    length(
        c.with(|p| {
            let _ = p.opening.paths.pop();
        }),
        Part::Paths,
    );
}

/// Parts of two honest proofs of one model do not mix.
#[test]
fn parts_of_another_proof() {
    let c = full();
    let other = c.f.prove(2).1;
    let (gkr, einsum, opening) = (other.gkr, other.einsum, other.opening);
    let verdict = c.with(|p| p.gkr = gkr);
    assert_refused!(verdict, VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 }));
    assert_refused!(c.with(|p| p.einsum = einsum), VerifyError::Einsum(EinsumError::FinalClaim));
    assert_refused!(c.with(|p| p.opening = opening), VerifyError::Opening(OpeningError::Constraint));
}
