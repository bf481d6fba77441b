//! From many claims to one: the sumcheck over the rows, as the verifier sees it (DESIGN 5.5).
//!
//! The claim is `sum over x in {0,1}^b of sum_c W_c(x) col_c(x)` with
//! `W_c(hi, lo) = sum over terms of weight * eq(point, lo) * [hi = slot]`: degree 2 in each variable (Thaler,
//! Proofs, Arguments, and Zero-Knowledge, section 4.1). The low variables are bound first: variable `r` is bit `r`
//! of the row.

use num_traits::Zero;
use stwo::core::channel::Channel;

use super::statement::Group;
use super::{eq, F};
use crate::transcript::{Tag, Transcript};

/// `s(X) = c0 + c1 X + c2 X^2` is sent as `[c0, c2]`: `s(0) + s(1) = claim` gives `c1`.
pub(super) type Round = [F; 2];

/// What a round leaves to prove: `s(r)`.
pub(super) fn bind(claim: F, [c0, c2]: Round, r: F) -> F {
    let c1 = claim - c0 - c0 - c2;
    c0 + r * (c1 + r * c2)
}

/// Enters the reduction: the claim is absorbed, so that it is fixed before the first challenge.
pub(super) fn begin<C: Channel>(t: &mut Transcript<C>, claim: F) {
    t.absorb_felts(Tag::OpeningClaim, &[claim]);
}

pub(super) fn challenge<C: Channel>(t: &mut Transcript<C>, round: &Round) -> F {
    t.absorb_felts(Tag::OpeningRound, round);
    t.draw()
}

/// Runs the rounds. Returns the point, low variable first, and the value there, which the last round implies.
pub(super) fn replay(t: &mut Transcript, rounds: &[Round], claim: F) -> (Vec<F>, F) {
    begin(t, claim);
    let mut claim = claim;
    let mut point = Vec::with_capacity(rounds.len());
    for round in rounds {
        let r = challenge(t, round);
        claim = bind(claim, *round, r);
        point.push(r);
    }
    (point, claim)
}

/// `coeff_c = sum over terms of weight * eq(point, rho_lo) * eq(slot, rho_hi)`, tree by tree, so that the claim left
/// is `sum_c coeff_c col_c(rho) = v`.
pub(super) fn coefficients(groups: &[Group], rho: &[F], n_columns: &[usize]) -> Vec<Vec<F>> {
    let mut coefficients: Vec<Vec<F>> = n_columns.iter().map(|&n| vec![F::zero(); n]).collect();
    let msb_first: Vec<F> = rho.iter().rev().copied().collect();
    for Group { point, terms } in groups {
        let (hi, lo) = msb_first.split_at(rho.len() - point.len());
        let at_point = eq::at(point, lo);
        for term in terms {
            coefficients[term.tree][term.column] += term.weight * at_point * eq::at_index(hi, term.slot);
        }
    }
    coefficients
}

/// Leaves the reduction: the value is fixed before the prefix sums are committed.
pub(super) fn end<C: Channel>(t: &mut Transcript<C>, value: F) {
    t.absorb_felts(Tag::OpeningClaim, &[value]);
}
