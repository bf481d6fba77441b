//! Groups of claims whose low variables are not yet all bound.

use num_traits::{One, Zero};
use stwo::prover::backend::simd::m31::LOG_N_LANES;

use super::commit::CommittedTree;
use super::kernels::{packed_len, weighted_sum, Weighted};
use super::packed::Vector;
use crate::pcs::reduction::Round;
use crate::pcs::statement::{Group, Term};
use crate::pcs::{eq, F};

/// `eq(point, lo) U(lo)` with `U(lo) = sum over terms of weight * col(slot, lo)`.
pub(super) struct LowGroup {
    pub group: Group,
    /// `eq` of the bound coordinates with the challenges.
    pub bound: F,
    /// `eq` over the free variables but the lowest.
    eq: Vector,
    values: Vector,
    n_bound: usize,
}

impl LowGroup {
    /// For groups with at least one variable.
    pub fn new(group: Group, trees: &[&CommittedTree]) -> Self {
        let t = group.point.len();
        let values = if t >= LOG_N_LANES as usize {
            let len = packed_len(t);
            let run = |term: &Term| {
                let column = trees[term.tree].columns[term.column].cells();
                Weighted { cells: column.slice(term.slot * len..(term.slot + 1) * len), weight: term.weight }
            };
            let terms: Vec<Weighted<'_>> = group.terms.iter().map(run).collect();
            Vector::from_packed(weighted_sum(len, &terms))
        } else {
            Vector::Scalar((0..1 << t).map(|lo| short_sum(&group, trees, lo)).collect())
        };
        let eq = Vector::eq(&group.point[..t - 1]);
        Self { group, bound: F::one(), eq, values, n_bound: 0 }
    }

    pub fn is_bound(&self) -> bool {
        self.n_bound == self.group.point.len()
    }

    fn coordinate(&self) -> F {
        self.group.point[self.group.point.len() - 1 - self.n_bound]
    }

    // s(X) = bound * ((1 - p) + (2p - 1) X) * (q0 + (q1 - q0) X): no division, so any p will do.
    pub fn round(&self) -> Round {
        let [q0, q1] = self.values.dot_pairs(&self.eq);
        let p = self.coordinate();
        [self.bound * (F::one() - p) * q0, self.bound * (p + p - F::one()) * (q1 - q0)]
    }

    pub fn bind(&mut self, r: F) {
        let empty = || Vector::Scalar(Vec::new());
        self.bound *= eq::factor(self.coordinate(), r);
        self.n_bound += 1;
        // Once all is bound only `bound` is needed.
        let done = self.is_bound();
        let values = std::mem::replace(&mut self.values, empty());
        let eq = std::mem::replace(&mut self.eq, empty());
        if !done {
            self.values = values.bind(r);
            // eq(p, 0) + eq(p, 1) = 1: summing the lowest variable out leaves eq over the others.
            self.eq = eq.sum_out();
        }
    }
}

/// `U(lo)` for slots shorter than a packed vector.
fn short_sum(group: &Group, trees: &[&CommittedTree], lo: usize) -> F {
    group.terms.iter().fold(F::zero(), |sum, term| {
        let row = term.slot << group.point.len() | lo;
        sum + term.weight * trees[term.tree].columns[term.column].get(row)
    })
}
