//! The one constraint of the STARK, at one point. Prover and verifier share it.
//!
//! With `V = sum_c coeff_c col_c`, `E` the interpolant of `eq(rho, .)` on the trace domain and `S` the prefix sums of
//! `V E - v / 2^b` along the trace coset,
//! ```text
//! S(P) - S(P - g) + v / 2^b - V(P) E(P) = 0 on the trace domain.
//! ```
//! `g` generates the coset, which is cyclic: summed over it, `S` telescopes to zero without a boundary constraint,
//! and what remains is `sum_x V(x) eq(rho, x) = v` (univariate sumcheck with a known function: Aurora, Ben-Sasson et
//! al. 2018, section 5; on the circle: Circle STARKs, section 3.3).

use num_traits::Zero;
use stwo::core::circle::{CirclePoint, Coset};
use stwo::core::constraints::coset_vanishing;
use stwo::core::fields::m31::BaseField;
use stwo::core::fields::FieldExpOps;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::utils::bit_reverse;

use super::{eq, F};

/// The claim that the STARK proves.
#[derive(Clone, Debug)]
pub struct MleEval {
    pub log_rows: u32,
    /// Per tree and column.
    pub coefficients: Vec<Vec<F>>,
    /// Low variable first.
    pub rho: Vec<F>,
    pub value: F,
}

impl MleEval {
    /// Half of the points of the trace domain and its step.
    pub fn trace_coset(&self) -> CanonicCoset {
        CanonicCoset::new(self.log_rows)
    }

    /// The point of the previous row.
    pub fn previous(&self, z: CirclePoint<F>) -> CirclePoint<F> {
        z + self.trace_coset().step().mul_signed(-1).into_ef()
    }

    /// The coordinates of `rho` as an index of the trace domain's memory has its bits: most significant first.
    pub fn index_point(&self) -> Vec<F> {
        self.rho.iter().rev().copied().collect()
    }

    /// `(S(z) - S(z - g) + v / 2^b - V(z) E(z)) / vanishing(z)`, or nothing if `z` is a zero of the vanishing
    /// polynomial. `samples` are the values of all columns at `z`; `previous` and `current` those of `S`.
    pub fn quotient_at(&self, z: CirclePoint<F>, samples: &[Vec<F>], previous: F, current: F) -> Option<F> {
        let vanishing = coset_vanishing(self.trace_coset().coset(), z);
        if vanishing.is_zero() {
            return None;
        }
        let v: F = self
            .coefficients
            .iter()
            .flatten()
            .zip(samples.iter().flatten())
            .filter(|(coefficient, _)| !coefficient.is_zero())
            .map(|(&coefficient, &sample)| coefficient * sample)
            .sum();
        let e = extension_at(eq::table(&self.index_point()), z);
        let numerator = current - previous + self.value * self.rows_inverse() - v * e;
        Some(numerator * vanishing.inverse())
    }

    /// `1 / 2^b`.
    pub fn rows_inverse(&self) -> BaseField {
        BaseField::from(1usize << self.log_rows).inverse()
    }
}

/// Evaluates at `z` the circle polynomial with the given values on the canonic domain, in bit-reversed order.
///
/// It is the inverse FFT with every layer folded at once (Circle STARKs, section 4.2). Neighbours are a point and its
/// conjugate, with values `a` and `b`: `2 f = (a + b) + (z.y / y)(a - b)`. Then, on the line,
/// neighbours are `x` and `-x`: `2 f = (a + b) + (z.x / x)(a - b)`, with `z.x` doubled after each fold.
fn extension_at(mut values: Vec<F>, z: CirclePoint<F>) -> F {
    let log_size = values.len().ilog2();
    let scale = BaseField::from(values.len()).inverse();
    let inverses = inverse_twiddles(CanonicCoset::new(log_size).half_coset());
    let mut twiddles = inverses.as_slice();
    let mut at = z.y;
    let mut next = z.x;
    while values.len() > 1 {
        let half = values.len() / 2;
        let (layer, rest) = twiddles.split_at(half);
        for (i, &twiddle) in layer.iter().enumerate() {
            let (a, b) = (values[2 * i], values[2 * i + 1]);
            values[i] = a + b + at * ((a - b) * twiddle);
        }
        values.truncate(half);
        twiddles = rest;
        at = next;
        next = CirclePoint::double_x(next);
    }
    values[0] * scale
}

/// The factors of the circle FFT's layers (Circle STARKs, section 4.2): y on the half coset, then x on half of it, then
/// 2x^2 - 1 on half of that, and so on; each in bit-reversed order.
pub fn twiddles(half_coset: Coset) -> Vec<BaseField> {
    let mut points: Vec<CirclePoint<BaseField>> = half_coset.iter().collect();
    bit_reverse(&mut points);
    let mut twiddles = Vec::with_capacity(2 * points.len());
    twiddles.extend(points.iter().map(|p| p.y));
    let mut layer: Vec<BaseField> = points.iter().step_by(2).map(|p| p.x).collect();
    while twiddles.len() + 1 < 2 * points.len() {
        twiddles.extend_from_slice(&layer);
        layer = layer.iter().step_by(2).map(|&x| CirclePoint::double_x(x)).collect();
    }
    twiddles
}

/// Their inverses, for the way from values to coefficients.
pub fn inverse_twiddles(half_coset: Coset) -> Vec<BaseField> {
    BaseField::batch_inverse(&twiddles(half_coset))
}

/// What the layers of a column's 2^b values are folded with to evaluate it at z: z.y, then z.x, doubled after each.
pub fn layer_coordinates(z: CirclePoint<F>, log_size: usize) -> Vec<F> {
    let mut at = vec![z.y, z.x];
    while at.len() < log_size {
        at.push(CirclePoint::double_x(at[at.len() - 1]));
    }
    at
}

#[cfg(all(test, feature = "prover"))]
mod tests {
    use stwo::prover::backend::simd::column::BaseColumn;
    use stwo::prover::backend::simd::SimdBackend;
    use stwo::prover::poly::circle::CircleEvaluation;
    use stwo::prover::poly::BitReversedOrder;

    use super::*;
    use crate::transcript::Transcript;

    #[test]
    fn folding_agrees_with_interpolation() {
        for log_size in 1..12 {
            let values: Vec<BaseField> =
                (0..1u32 << log_size).map(|i| BaseField::from(i.wrapping_mul(2654435761) >> 2)).collect();
            let z = CirclePoint::get_random_point(Transcript::default().channel());
            let got = extension_at(values.iter().map(|&v| F::from(v)).collect(), z);
            let domain = CanonicCoset::new(log_size).circle_domain();
            let column = values.into_iter().collect::<BaseColumn>();
            let poly = CircleEvaluation::<SimdBackend, BaseField, BitReversedOrder>::new(domain, column);
            assert_eq!(got, poly.interpolate().eval_at_point(z), "2^{log_size}");
        }
    }
}
