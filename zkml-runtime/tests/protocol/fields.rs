//! Every field of a proof's roots, lookup argument and sumcheck changed, dropped, doubled and reordered.

use crate::common::case::{full, Case};
use crate::common::{assert_refused, graph};
use num_traits::{One, Zero};
use zkml_runtime::einsum::EinsumError;
use zkml_runtime::field::{BaseField, F, P};
use zkml_runtime::gkr::{GkrError, Tree};
use zkml_runtime::pcs::OpeningError;
use zkml_runtime::protocol::{Proof, VerifyError};

macro_rules! refused {
    ($case:expr, $change:expr, $($expected:tt)+) => {
        assert_refused!($case.with($change), $($expected)+)
    };
}

#[test]
fn roots() {
    let c = full();
    let layer_1 = |verdict| assert_refused!(verdict, VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 }));
    layer_1(c.with(|p| p.trace_root.0[0] ^= 1));
    layer_1(c.with(|p| p.private_root.as_mut().expect("private").0[0] ^= 1));
    layer_1(c.with(|p| {
        let root = p.private_root.replace(p.trace_root).expect("private");
        p.trace_root = root;
    }));
    refused!(c, |p| p.private_root = None, VerifyError::PrivateRoot { expected: true, got: false });
    let plain = Case::new(graph::no_lookups());
    refused!(plain, |p| p.trace_root.0[0] ^= 1, VerifyError::Einsum(EinsumError::FinalClaim));
}

#[test]
fn the_lookup_argument_s_presence() {
    let (c, plain) = (full(), Case::new(graph::no_lookups()));
    refused!(c, |p| p.gkr = None, VerifyError::LookupArgument { expected: true, got: false });
    let gkr = c.proof.gkr.clone();
    refused!(plain, |p| p.gkr = gkr, VerifyError::LookupArgument { expected: false, got: true });
}

#[test]
fn the_lookup_argument_s_roots() {
    let c = full();
    let changes: [fn(&mut zkml_runtime::gkr::GkrProof); 3] = [
        |g| g.lookup_root.numerator += F::one(),
        |g| g.lookup_root.denominator += F::one(),
        |g| g.table_root.numerator += F::one(),
    ];
    for change in changes {
        refused!(c, |p| change(p.gkr.as_mut().expect("lookups")), VerifyError::Gkr(GkrError::NonZeroSum));
    }
    refused!(
        c,
        |p| p.gkr.as_mut().expect("lookups").lookup_root.denominator = F::zero(),
        VerifyError::Gkr(GkrError::ZeroDenominator(Tree::Lookups))
    );
    refused!(
        c,
        |p| p.gkr.as_mut().expect("lookups").table_root.denominator = F::zero(),
        VerifyError::Gkr(GkrError::ZeroDenominator(Tree::Tables))
    );
    // Fractions that add up but are not those of the trees: swapped, or the same in other terms.
    let changes: [fn(&mut zkml_runtime::gkr::GkrProof); 2] = [
        |g| std::mem::swap(&mut g.table_root, &mut g.lookup_root),
        |g| {
            let root = &mut g.lookup_root;
            root.numerator = root.numerator + root.numerator;
            root.denominator = root.denominator + root.denominator;
        },
    ];
    for change in changes {
        let verdict = c.with(|p| change(p.gkr.as_mut().expect("lookups")));
        assert_refused!(verdict, VerifyError::Gkr(GkrError::LayerMismatch { .. }));
    }
}

#[test]
fn the_lookup_argument_s_layers() {
    let c = full();
    let gkr = c.proof.gkr.as_ref().expect("lookups");
    let n = gkr.layers.len();
    fn layers(p: &mut Proof) -> &mut Vec<zkml_runtime::gkr::GkrLayer> {
        &mut p.gkr.as_mut().expect("lookups").layers
    }
    refused!(c, |p| drop(layers(p).pop()), VerifyError::Gkr(GkrError::LayerCount { .. }));
    refused!(
        c,
        |p| {
            let last = layers(p)[n - 1].clone();
            layers(p).push(last);
        },
        VerifyError::Gkr(GkrError::LayerCount { .. })
    );
    refused!(c, |p| layers(p).swap(2, 3), VerifyError::Gkr(GkrError::RoundCount { layer: 2, .. }));
    for layer in 0..n {
        let mismatch = |verdict: Result<(), VerifyError>| match verdict {
            Err(VerifyError::Gkr(GkrError::LayerMismatch { layer: at })) => assert_eq!(at, layer),
            other => panic!("layer {layer}: {other:?}"),
        };
        for round in 0..layer {
            for k in 0..3 {
                mismatch(c.with(|p| layers(p)[layer].rounds[round][k] += F::one()));
            }
        }
        if layer > 1 {
            mismatch(c.with(|p| layers(p)[layer].rounds.swap(0, 1)));
        }
        for k in 0..gkr.layers[layer].lookup_mask.len() {
            mismatch(c.with(|p| layers(p)[layer].lookup_mask[k] += F::one()));
        }
        for k in 0..gkr.layers[layer].table_mask.len() {
            mismatch(c.with(|p| layers(p)[layer].table_mask[k] += F::one()));
        }
        let short = c.with(|p| {
            let l = &mut layers(p)[layer];
            match l.lookup_mask.is_empty() {
                true => l.table_mask.pop(),
                false => l.lookup_mask.pop(),
            };
        });
        assert_refused!(short, VerifyError::Gkr(GkrError::MaskLength { .. }));
    }
    let word =
        F::from_m31_array([BaseField::from_u32_unchecked(P), Zero::zero(), Zero::zero(), Zero::zero()]);
    refused!(c, |p| layers(p)[n - 1].lookup_mask[0] = word, VerifyError::Gkr(GkrError::NotCanonical { .. }));
    refused!(
        c,
        |p| p.gkr.as_mut().expect("lookups").lookup_root.numerator = word,
        VerifyError::Gkr(GkrError::NotCanonical { index: 0 })
    );
}

#[test]
fn the_lookup_argument_s_rounds() {
    let c = full();
    let n = c.proof.gkr.as_ref().expect("lookups").layers.len();
    fn layers(p: &mut Proof) -> &mut Vec<zkml_runtime::gkr::GkrLayer> {
        &mut p.gkr.as_mut().expect("lookups").layers
    }
    let count = |verdict: Result<(), VerifyError>, expected: usize| match verdict {
        Err(VerifyError::Gkr(GkrError::RoundCount { layer, .. })) => assert_eq!(layer, expected),
        other => panic!("layer {expected}: {other:?}"),
    };
    for layer in 0..n {
        count(c.with(|p| layers(p)[layer].rounds.push([F::zero(); 3])), layer);
        if layer > 0 {
            count(c.with(|p| _ = layers(p)[layer].rounds.pop()), layer);
        }
    }
    // A layer skipped: left out, its place taken by the next, or by as much of the next as fits.
    for layer in 2..n - 1 {
        refused!(c, |p| drop(layers(p).remove(layer)), VerifyError::Gkr(GkrError::LayerCount { .. }));
        count(
            c.with(|p| {
                layers(p).remove(layer);
                let last = layers(p)[n - 2].clone();
                layers(p).push(last);
            }),
            layer,
        );
    }
    let gkr = c.proof.gkr.as_ref().expect("lookups");
    let masks = |layer: usize| (gkr.layers[layer].lookup_mask.len(), gkr.layers[layer].table_mask.len());
    for layer in (1..n - 1).filter(|&k| masks(k) == masks(k + 1)) {
        let verdict = c.with(|p| {
            let mut next = layers(p)[layer + 1].clone();
            next.rounds.pop();
            layers(p)[layer] = next;
        });
        match verdict {
            Err(VerifyError::Gkr(GkrError::LayerMismatch { layer: at })) => assert_eq!(at, layer),
            other => panic!("layer {layer}: {other:?}"),
        }
    }
}

#[test]
fn the_sumcheck() {
    for c in [full(), Case::new(graph::no_lookups())] {
        let (rounds, operands) = (c.proof.einsum.rounds.len(), c.proof.einsum.operands.len());
        let final_claim = |verdict| assert_refused!(verdict, VerifyError::Einsum(EinsumError::FinalClaim));
        final_claim(c.with(|p| p.einsum.sum += F::one()));
        for round in 0..rounds {
            for k in 0..3 {
                final_claim(c.with(|p| p.einsum.rounds[round][k] += F::one()));
            }
            if round > 0 {
                final_claim(c.with(|p| p.einsum.rounds.swap(round - 1, round)));
            }
        }
        for k in 0..operands {
            for side in 0..2 {
                final_claim(c.with(|p| p.einsum.operands[k][side] += F::one()));
            }
            // The product is the same, the operands are not: the two of `x * x` are equal.
            let [a, b] = c.proof.einsum.operands[k];
            if a != b {
                refused!(
                    c,
                    |p| p.einsum.operands[k].reverse(),
                    VerifyError::Opening(OpeningError::Constraint)
                );
            }
        }
        if operands > 1 {
            final_claim(c.with(|p| p.einsum.operands.swap(0, 1)));
        }
        refused!(
            c,
            |p| {
                let _ = p.einsum.rounds.pop();
            },
            VerifyError::Einsum(EinsumError::Rounds { .. })
        );
        refused!(
            c,
            |p| p.einsum.rounds.push([F::zero(); 3]),
            VerifyError::Einsum(EinsumError::Rounds { .. })
        );
        refused!(
            c,
            |p| {
                let _ = p.einsum.operands.pop();
            },
            VerifyError::Einsum(EinsumError::Operands { .. })
        );
        refused!(
            c,
            |p| p.einsum.operands.push([F::zero(); 2]),
            VerifyError::Einsum(EinsumError::Operands { .. })
        );
    }
}

#[test]
fn a_sumcheck_without_rounds_sums_to_zero() {
    let c = Case::new(graph::no_products());
    refused!(c, |p| p.einsum.sum = F::one(), VerifyError::Einsum(EinsumError::FinalClaim));
}
