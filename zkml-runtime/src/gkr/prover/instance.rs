use num_traits::{One, Zero};
use stwo::core::fields::FieldExpOps;

use super::arrays::{Arrays, Stage};
use super::leaves::Leaves;
use super::source::{LayerSource, LeafSource, PairSource};
use super::split_eq::SplitEq;
use super::tree::{Layer, LeafPairs};
use crate::field::{eq_bit, eq_table, F};
use crate::gkr::shape::LANE_VARS;
use crate::gkr::GkrError;

/// One tree's part in a layer's sumcheck: `sum_x eq(z, x) (scale * q(x) + shift)`.
pub(super) struct Instance<'a> {
    arrays: Box<dyn Arrays + 'a>,
    kind: Kind,
    z: Vec<F>,
    eq: Option<SplitEq>,
    round: usize,
    /// eq of the variables that are fixed.
    bound: F,
    /// What q sums to, weighted by eq of the free variables only.
    claim: F,
    /// This round's `[q(0), q(inf)]`, if the last fold found it.
    next: Option<[F; 2]>,
    /// This round's coefficients of q.
    q: [F; 3],
    scale: F,
    shift: F,
}

/// How the arrays' final values give the children.
enum Kind {
    /// `[d0 + mu, d1 + mu]`
    Leaves { mu: F },
    /// `[n0, n1 + lambda d1, d0, d1]`
    Fractions { lambda: F },
}

impl<'a> Instance<'a> {
    /// A claim on the layer above the lookup tree's leaves: `lambda q - mu`, `mu = 1 / lambda`.
    pub fn leaves(leaves: &'a Leaves<'a>, z: Vec<F>, claim: F, lambda: F) -> Result<Self, GkrError> {
        let mu = inverse(lambda)?;
        let arrays = Box::new(Stage::new(LeafSource { leaves: leaves.plus(mu) }));
        // eq sums to one, so the shift leaves the sum unweighted.
        let claim = (claim + mu) * mu;
        Ok(Self { scale: lambda, shift: -mu, ..Self::new(arrays, Kind::Leaves { mu }, z, claim) })
    }

    /// A claim on the layer above this one.
    pub fn fractions(layer: &'a Layer<'a>, z: Vec<F>, claim: F, lambda: F) -> Self {
        let arrays: Box<dyn Arrays + 'a> = match layer {
            Layer::Pairs(leaves) => Box::new(Stage::new(PairSource { pairs: LeafPairs { leaves }, lambda })),
            Layer::Packed(layer) => Box::new(Stage::new(LayerSource { layer, lambda })),
            Layer::Scalar(v) => {
                let (low, high) = v.split_at(v.len() / 2);
                let row = |(&[n0, d0], &[n1, d1]): (&[F; 2], &[F; 2])| [n0, n1 + lambda * d1, d0, d1];
                let rows = low.iter().zip(high).map(row).collect();
                Box::new(Stage::<LayerSource<'_>, 4>::Scalars(rows))
            }
        };
        Self::new(arrays, Kind::Fractions { lambda }, z, claim)
    }

    fn new(arrays: Box<dyn Arrays + 'a>, kind: Kind, z: Vec<F>, claim: F) -> Self {
        let eq = (z.len() >= LANE_VARS).then(|| SplitEq::new(&z));
        let (one, zero) = (F::one(), F::zero());
        let q = [zero; 3];
        Self { arrays, kind, z, eq, round: 0, bound: one, claim, next: None, q, scale: one, shift: zero }
    }

    pub fn own_vars(&self) -> usize {
        self.z.len()
    }

    pub fn vars_left(&self) -> usize {
        self.z.len() - self.round
    }

    /// The sum that is left to prove, everything included.
    pub fn total(&self) -> F {
        self.bound * (self.scale * self.claim + self.shift)
    }

    /// Coefficients of this round's polynomial `bound * eq(z, X) * (scale * q(X) + shift)`.
    pub fn round(&mut self) -> Result<[F; 4], GkrError> {
        let z = self.z[self.round];
        let [q0, q2] = match self.next.take() {
            Some(q) => q,
            None => {
                let rest = &self.z[self.round + 1..];
                let rest = if rest.len() < LANE_VARS { eq_table(rest) } else { Vec::new() };
                self.arrays.evaluate(self.eq.as_ref(), &rest)
            }
        };
        // claim = (1 - z) q(0) + z q(1)
        let q1 = (self.claim - (F::one() - z) * q0) * inverse(z)?;
        self.q = [q0, q1 - q0 - q2, q2];
        let [g0, g1, g2] = [self.scale * q0 + self.shift, self.scale * self.q[1], self.scale * q2];
        // eq(z, X) = (1 - z) + (2 z - 1) X
        let (l0, l1) = (self.bound * (F::one() - z), self.bound * (z + z - F::one()));
        Ok([l0 * g0, l0 * g1 + l1 * g0, l0 * g2 + l1 * g1, l1 * g2])
    }

    /// Fixes this round's variable.
    pub fn bind(&mut self, r: F) {
        self.bound *= eq_bit(self.z[self.round], r);
        let [q0, q1, q2] = self.q;
        self.claim = q0 + r * (q1 + r * q2);
        self.round += 1;
        self.next = self.arrays.bind(r, self.eq.as_ref());
    }

    /// The children at the point of the challenges.
    pub fn mask(&self) -> Vec<F> {
        match (&self.kind, self.arrays.values()) {
            (Kind::Leaves { mu }, values) => values.iter().map(|&d| d - *mu).collect(),
            (Kind::Fractions { lambda }, &[n0, n1, d0, d1]) => vec![n0, n1 - *lambda * d1, d0, d1],
            (Kind::Fractions { .. }, _) => unreachable!("fractions have four values"),
        }
    }
}

fn inverse(x: F) -> Result<F, GkrError> {
    if x.is_zero() {
        return Err(GkrError::ZeroChallenge);
    }
    Ok(x.inverse())
}
