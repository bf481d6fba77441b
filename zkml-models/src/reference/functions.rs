//! The functions between the matrix products.

use super::matrix::Matrix;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_2_SQRT_PI};

/// Which GELU. They differ by less than 5e-4 everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gelu {
    /// `x Phi(x)`, by the error function: BERT's, and what zkml's `gelu` proves.
    #[default]
    Erf,
    /// By a hyperbolic tangent: what GPT-2 was trained with ("gelu_new").
    Tanh,
}

impl Gelu {
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Gelu::Erf => gelu_erf(x),
            Gelu::Tanh => gelu_tanh(x),
        }
    }
}

/// `x/2 (1 + erf(x / sqrt 2))`
pub fn gelu_erf(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2))
}

/// `x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`
pub fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + (FRAC_2_PI.sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

/// `erf x = 2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (2n+1)!!` (Abramowitz and Stegun 7.1.6): terms of one sign, so no
/// cancellation. From 6 on it is 1 to f64.
fn erf(x: f64) -> f64 {
    if x.abs() >= 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// `(x - mean) / sqrt(variance + epsilon) * gain + bias` of each row.
pub(super) fn layer_norm(x: &Matrix, gain: &[f32], bias: &[f32], epsilon: f64) -> Matrix {
    let mut data = Vec::with_capacity(x.data.len());
    for row in x.rows() {
        let n = row.len() as f64;
        let mean = row.iter().sum::<f64>() / n;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + epsilon).sqrt();
        let affine = gain.iter().zip(bias);
        data.extend(row.iter().zip(affine).map(|(v, (&g, &b))| (v - mean) * scale * g as f64 + b as f64));
    }
    Matrix { cols: x.cols, data }
}

/// Multi-head attention: of each head h, `softmax(Q_h K_h^T / sqrt(d/heads)) V_h` over the keys that `sees(query, key)`
/// allows, the heads side by side. q, k, v are \[seq, d\].
pub(super) fn attention(
    [q, k, v]: [&Matrix; 3],
    heads: usize,
    sees: impl Fn(usize, usize) -> bool,
) -> Matrix {
    let d = q.cols;
    let width = d / heads;
    let mut data = vec![0.0; q.data.len()];
    let mut weights = vec![];
    for (i, (query, out)) in q.rows().zip(data.chunks_exact_mut(d)).enumerate() {
        for head in (0..d).step_by(width) {
            let part = head..head + width;
            let dot = |key: &[f64]| -> f64 {
                query[part.clone()].iter().zip(&key[part.clone()]).map(|(a, b)| a * b).sum()
            };
            let score = |(j, key)| match sees(i, j) {
                true => dot(key) / (width as f64).sqrt(),
                false => f64::NEG_INFINITY,
            };
            weights.clear();
            weights.extend(k.rows().enumerate().map(score));
            softmax(&mut weights);
            for (w, value) in weights.iter().zip(v.rows()) {
                out[part.clone()].iter_mut().zip(&value[part.clone()]).for_each(|(o, v)| *o += w * v);
            }
        }
    }
    Matrix { cols: d, data }
}

/// In place; at least one value is finite.
fn softmax(scores: &mut [f64]) {
    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter_mut().for_each(|s| *s = (*s - max).exp());
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|s| *s /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_values() {
        // Python 3.11's math.erf.
        let cases = [
            (0.0, 0.0),
            (0.1, 0.1124629160182849),
            (0.5, 0.5204998778130465),
            (-1.0, -0.8427007929497149),
            (2.0, 0.9953222650189527),
            (3.5, 0.9999992569016276),
            (5.9, 0.9999999999999999),
        ];
        for (x, y) in cases {
            assert!((erf(x) - y).abs() < 4e-15, "erf({x}) = {:e}", erf(x));
        }
        assert_eq!((erf(7.0), erf(-7.0)), (1.0, -1.0));
    }

    #[test]
    fn the_two_gelus_are_close() {
        let widest = (-8000..8000).map(|i| f64::from(i) / 1000.0).map(|x| (gelu_erf(x) - gelu_tanh(x)).abs());
        let widest = widest.fold(0.0, f64::max);
        assert!((4e-4..5e-4).contains(&widest), "{widest}");
    }

    #[test]
    fn layer_norm_by_hand() {
        // Mean 2, variance 1: (1, 3) becomes (-1, 1), times the gains, plus the biases.
        let x = Matrix::from_f32(&[1.0, 3.0], 2);
        assert_eq!(layer_norm(&x, &[2.0, 3.0], &[0.5, -0.5], 0.0).data, [-1.5, 2.5]);
        assert_eq!(layer_norm(&x, &[1.0, 1.0], &[0.0, 0.0], 3.0).data, [-0.5, 0.5]);
    }

    #[test]
    fn attention_by_hand() {
        // One head of width 1; the scores of the second query are 0 and ln 3, so its weights are 1/4 and 3/4.
        let column = |v: &[f64]| Matrix { cols: 1, data: v.to_vec() };
        let (q, k, v) = (column(&[5.0, 1.0]), column(&[0.0, 3f64.ln()]), column(&[4.0, 8.0]));
        let causal = attention([&q, &k, &v], 1, |i, j| j <= i).data;
        assert_eq!(causal[0], 4.0);
        assert!((causal[1] - 7.0).abs() < 1e-14);
        assert_eq!(attention([&q, &k, &v], 1, |_, j| j == 1).data, [8.0, 8.0]);
    }
}
