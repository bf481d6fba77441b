use num_traits::{One, Zero};

use super::shape::{most_significant_first, own_rounds, Depths};
use super::{Fraction, GkrClaims, GkrError, GkrProof, GkrShape, Round, Tree, TreeClaim};
use crate::field::{eq, lerp, pow2, BaseField, F};
use crate::transcript::{Tag, Transcript};

/// Checks a proof and returns what is left to check: the leaves of both trees, each at a point.
///
/// The caller has absorbed everything that the leaves are made of, the commitments to their columns included, and drawn
/// their constants and weights after that; it compares the claims with openings by [`super::block_weights`].
pub fn verify(t: &mut Transcript, shape: &GkrShape, proof: &GkrProof) -> Result<GkrClaims, GkrError> {
    let depths = shape.depths()?;
    proof.check_form(&depths)?;
    check_sum(shape, &depths, proof.lookup_root, proof.table_root)?;
    t.absorb_felts(Tag::GkrRoots, &proof.roots());

    let mut lookups = Running::new(Tree::Lookups, proof.lookup_root);
    let mut tables = Running::new(Tree::Tables, proof.table_root);
    for (layer, l) in proof.layers.iter().enumerate() {
        let (lambda, gamma) = (t.draw(), t.draw());
        let trees = [(F::one(), &lookups), (gamma, &tables)]
            .into_iter()
            .filter_map(|(weight, tree)| depths.own_vars(tree.tree, layer).map(|own| (weight, tree, own)));

        // sum over both trees of weight * 2^unused * (num + lambda den)
        let claim =
            trees.clone().map(|(weight, tree, own)| weight * tree.batched(lambda) * pow2(layer - own)).sum();
        let (challenges, claim) = sumcheck(t, &l.rounds, claim);

        // ... = sum over both trees of weight * eq(z, r) * gate(children at r)
        let expected: F = trees
            .map(|(weight, tree, own)| {
                let r: Vec<F> = own_rounds(&challenges, own).collect();
                weight * eq(&tree.point, &r) * gate(l.mask(tree.tree), lambda)
            })
            .sum();
        if claim != expected {
            return Err(GkrError::LayerMismatch { layer });
        }
        t.absorb_felts(Tag::GkrMask, &[&l.lookup_mask[..], &l.table_mask[..]].concat());
        let c = t.draw();
        for tree in [&mut lookups, &mut tables] {
            if let Some(own) = depths.own_vars(tree.tree, layer) {
                tree.descend(l.mask(tree.tree), c, own_rounds(&challenges, own));
            }
        }
    }
    Ok(GkrClaims { lookups: lookups.finish(), tables: tables.finish() })
}

/// `dl != 0, dt != 0, nl dt + nt dl - (2^n - L) dl dt = 0`: the lookup tree's tail holds `2^n - L` fractions `1 / 1`.
pub(super) fn check_sum(shape: &GkrShape, depths: &Depths, l: Fraction, t: Fraction) -> Result<(), GkrError> {
    for (tree, root) in [(Tree::Lookups, l), (Tree::Tables, t)] {
        if root.denominator.is_zero() {
            return Err(GkrError::ZeroDenominator(tree));
        }
    }
    // At most 2^30 by `Depths`.
    let tail = BaseField::from(((1u64 << depths.lookups) - shape.lookup_leaves) as u32);
    let dd = l.denominator * t.denominator;
    if l.numerator * t.denominator + t.numerator * l.denominator != dd * tail {
        return Err(GkrError::NonZeroSum);
    }
    Ok(())
}

/// Runs the rounds of a sumcheck: its challenges, and the claim at them.
fn sumcheck(t: &mut Transcript, rounds: &[Round], mut claim: F) -> (Vec<F>, F) {
    let mut challenges = Vec::with_capacity(rounds.len());
    for round in rounds {
        t.absorb_felts(Tag::GkrRound, round);
        let r = t.draw();
        claim = eval_round(round, claim, r);
        challenges.push(r);
    }
    (challenges, claim)
}

/// `s(r)`, where `s(0) + s(1) = 2 c0 + c1 + c2 + c3 = claim` gives the coefficient that was not sent.
fn eval_round(&[c0, c2, c3]: &Round, claim: F, r: F) -> F {
    let c1 = claim - c0 - c0 - c2 - c3;
    c0 + r * (c1 + r * (c2 + r * c3))
}

/// The children named by a mask, `(n0, n1, d0, d1)`. A mask of two has numerators one.
pub(super) fn children(mask: &[F]) -> [F; 4] {
    match *mask {
        [n0, n1, d0, d1] => [n0, n1, d0, d1],
        [d0, d1] => [F::one(), F::one(), d0, d1],
        _ => unreachable!("mask lengths were checked"),
    }
}

/// `n0 d1 + n1 d0 + lambda d0 d1`
fn gate(mask: &[F], lambda: F) -> F {
    let [n0, n1, d0, d1] = children(mask);
    n0 * d1 + n1 * d0 + lambda * d0 * d1
}

/// A tree's claim while it moves from the root to the leaves, its point in the order of the rounds.
pub(super) struct Running {
    pub tree: Tree,
    pub point: Vec<F>,
    numerator: F,
    denominator: F,
}

impl Running {
    pub fn new(tree: Tree, root: Fraction) -> Self {
        Self { tree, point: Vec::new(), numerator: root.numerator, denominator: root.denominator }
    }

    /// `num + lambda den`
    pub fn batched(&self, lambda: F) -> F {
        self.numerator + lambda * self.denominator
    }

    /// From both children at r to the layer of the children, at `(c, r)`.
    pub fn descend(&mut self, mask: &[F], c: F, r: impl Iterator<Item = F>) {
        let [n0, n1, d0, d1] = children(mask);
        self.numerator = lerp(n0, n1, c);
        self.denominator = lerp(d0, d1, c);
        self.point = std::iter::once(c).chain(r).collect();
    }

    pub fn finish(self) -> TreeClaim {
        let point = most_significant_first(self.point);
        TreeClaim { point, numerator: self.numerator, denominator: self.denominator }
    }
}
