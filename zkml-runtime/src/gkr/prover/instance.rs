use num_traits::{One, Zero};
use stwo::core::fields::FieldExpOps;

use super::layers::{Arrays, Gate, Layers};
use crate::field::{eq_bit, F};
use crate::gkr::GkrError;

/// One tree's part in a layer's sumcheck: `sum_x eq(z, x) (scale * q(x) + shift)`.
pub(super) struct Instance<'a> {
    arrays: Box<dyn Arrays + 'a>,
    gate: Gate,
    z: Vec<F>,
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

impl<'a> Instance<'a> {
    /// A claim on the layer above the lookup tree's leaves, `lambda q - mu` with `mu = 1 / lambda`.
    pub fn leaves(tree: &'a mut impl Layers, z: Vec<F>, claim: F, lambda: F) -> Result<Self, GkrError> {
        let mu = inverse(lambda)?;
        // eq sums to one, so the shift leaves the sum unweighted.
        let claim = (claim + mu) * mu;
        Ok(Self { scale: lambda, shift: -mu, ..Self::new(tree, Gate::Leaves { mu }, z, claim)? })
    }

    /// A claim on the layer above one of fractions.
    pub fn fractions(tree: &'a mut impl Layers, z: Vec<F>, claim: F, lambda: F) -> Result<Self, GkrError> {
        Self::new(tree, Gate::Fractions { lambda }, z, claim)
    }

    fn new(tree: &'a mut impl Layers, gate: Gate, z: Vec<F>, claim: F) -> Result<Self, GkrError> {
        let (one, zero) = (F::one(), F::zero());
        let arrays = tree.next(&z, gate)?;
        let q = [zero; 3];
        Ok(Self { arrays, gate, z, round: 0, bound: one, claim, next: None, q, scale: one, shift: zero })
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
            None => self.arrays.evaluate()?,
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
    pub fn bind(&mut self, r: F) -> Result<(), GkrError> {
        self.bound *= eq_bit(self.z[self.round], r);
        let [q0, q1, q2] = self.q;
        self.claim = q0 + r * (q1 + r * q2);
        self.round += 1;
        self.next = self.arrays.bind(r)?;
        Ok(())
    }

    /// The children at the point of the challenges.
    pub fn mask(&self) -> Vec<F> {
        match (self.gate, &self.arrays.values()[..]) {
            (Gate::Leaves { mu }, values) => values.iter().map(|&d| d - mu).collect(),
            (Gate::Fractions { lambda }, &[n0, n1, d0, d1]) => vec![n0, n1 - lambda * d1, d0, d1],
            (Gate::Fractions { .. }, _) => unreachable!("fractions have four values"),
        }
    }
}

fn inverse(x: F) -> Result<F, GkrError> {
    if x.is_zero() {
        return Err(GkrError::ZeroChallenge);
    }
    Ok(x.inverse())
}
