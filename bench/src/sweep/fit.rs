//! What a proof's time is made of: `fixed + cells * a + lookups * b + weights * c`, by least squares.
//!
//! * Residuals are relative: the slowest point would decide alone otherwise.
//! * No cost is negative. Cells and lookups grow nearly together, so plain least squares may well make one of them pay for
//!   the other. Of the sixteen choices of costs that are not zero, the best one whose costs are all positive is the exact
//!   solution.

use thiserror::Error;

/// A measured proof.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub cells: f64,
    pub lookups: f64,
    pub weights: f64,
    pub prove_ms: f64,
}

/// Milliseconds that every proof costs, and nanoseconds per cell that it commits, per lookup and per weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fit {
    pub fixed_ms: f64,
    pub ns_cell: f64,
    pub ns_lookup: f64,
    pub ns_weight: f64,
}

#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum FitError {
    #[error("expected at least one measured point, got none")]
    NoPoints,
    #[error("expected times above zero, got {0} ms")]
    Time(f64),
}

const COSTS: usize = 4;
/// A column whose part that no other column explains is smaller than this, relative to it, tells nothing.
const SINGULAR: f64 = 1e-9;

impl Fit {
    pub fn new(samples: &[Sample]) -> Result<Self, FitError> {
        if samples.is_empty() {
            return Err(FitError::NoPoints);
        }
        if let Some(bad) = samples.iter().find(|s| s.prove_ms.is_nan() || s.prove_ms <= 0.0) {
            return Err(FitError::Time(bad.prove_ms));
        }
        // Every equation says 1: predicted over measured.
        let rows: Vec<[f64; COSTS]> = samples.iter().map(|s| features(s).map(|f| f / s.prove_ms)).collect();
        let choices = 1u32..1 << COSTS;
        let solved = choices.filter_map(|choice| {
            let costs = solve(&rows, choice)?;
            let residual = |row: &[f64; COSTS]| (dot(row, &costs) - 1.0).powi(2);
            let error: f64 = rows.iter().map(residual).sum();
            costs.iter().all(|&c| c >= 0.0).then_some((error, costs))
        });
        // A single cost alone is positive, so there is one.
        let (_, [fixed_ms, ns_cell, ns_lookup, ns_weight]) =
            solved.min_by(|a, b| a.0.total_cmp(&b.0)).ok_or(FitError::NoPoints)?;
        Ok(Self { fixed_ms, ns_cell, ns_lookup, ns_weight })
    }

    pub fn predict_ms(&self, s: &Sample) -> f64 {
        dot(&features(s), &[self.fixed_ms, self.ns_cell, self.ns_lookup, self.ns_weight])
    }
}

/// Milliseconds for each unit of each cost.
fn features(s: &Sample) -> [f64; COSTS] {
    [1.0, s.cells / 1e6, s.lookups / 1e6, s.weights / 1e6]
}

fn dot(a: &[f64; COSTS], b: &[f64; COSTS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Least squares of `rows * costs = 1` over the chosen costs, the others zero, by Gram and Schmidt; `None` if the rows do not
/// tell the chosen ones apart.
fn solve(rows: &[[f64; COSTS]], choice: u32) -> Option<[f64; COSTS]> {
    let chosen: Vec<usize> = (0..COSTS).filter(|c| choice >> c & 1 == 1).collect();
    let n = chosen.len();
    let mut q: Vec<Vec<f64>> = vec![];
    let mut r = [[0.0; COSTS]; COSTS];
    for (j, &c) in chosen.iter().enumerate() {
        let mut v: Vec<f64> = rows.iter().map(|row| row[c]).collect();
        let whole = norm(&v);
        for (i, q) in q.iter().enumerate() {
            let part: f64 = v.iter().zip(q).map(|(v, q)| v * q).sum();
            r[i][j] = part;
            v.iter_mut().zip(q).for_each(|(v, q)| *v -= part * q);
        }
        r[j][j] = norm(&v);
        if r[j][j] <= SINGULAR * whole || whole == 0.0 {
            return None;
        }
        v.iter_mut().for_each(|v| *v /= r[j][j]);
        q.push(v);
    }
    let mut costs = [0.0; COSTS];
    for j in (0..n).rev() {
        let known: f64 = (j + 1..n).map(|k| r[j][k] * costs[chosen[k]]).sum();
        costs[chosen[j]] = (q[j].iter().sum::<f64>() - known) / r[j][j];
    }
    Some(costs)
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The slope of a straight line through points, by plain least squares; `None` for less than two places.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (xy, xx) =
        points.iter().fold((0.0, 0.0), |(xy, xx), p| (xy + (p.0 - x) * (p.1 - y), xx + (p.0 - x).powi(2)));
    (xx > 0.0).then(|| xy / xx)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of GPT-2s by a rough rule, timed by `fit`.
    fn samples(fit: &Fit) -> Vec<Sample> {
        let sizes = [(12, 64, 768), (1, 64, 768), (4, 64, 768), (12, 16, 768), (12, 256, 768), (12, 64, 192)];
        let sample = |(layers, seq, d): (usize, usize, usize)| {
            let (l, s, d) = (layers as f64, seq as f64, d as f64);
            let cells = l * s * (34.0 * d + 40.0 * s) + 65_536.0;
            let lookups = l * s * (22.0 * d + 30.0 * s);
            let s = Sample { cells, lookups, weights: 12.0 * l * d * d + 51_000.0 * d, prove_ms: 0.0 };
            Sample { prove_ms: fit.predict_ms(&s), ..s }
        };
        sizes.into_iter().map(sample).collect()
    }

    #[test]
    fn exact_data_give_the_constants_back() {
        for (fixed_ms, ns_cell, ns_lookup, ns_weight) in
            [(20.0, 40.0, 60.0, 10.0), (0.0, 55.0, 0.0, 3.0), (100.0, 0.0, 80.0, 0.0)]
        {
            let fit = Fit { fixed_ms, ns_cell, ns_lookup, ns_weight };
            let got = Fit::new(&samples(&fit)).unwrap();
            for (got, want) in [
                (got.fixed_ms, fixed_ms),
                (got.ns_cell, ns_cell),
                (got.ns_lookup, ns_lookup),
                (got.ns_weight, ns_weight),
            ] {
                assert!((got - want).abs() < 1e-4, "{got} for {want}");
            }
        }
    }

    #[test]
    fn no_cost_is_negative() {
        let honest = samples(&Fit { fixed_ms: 20.0, ns_cell: 40.0, ns_lookup: 60.0, ns_weight: 10.0 });
        // A third off, to and fro: the best plain fit has a negative cost.
        let off = |(i, s): (usize, &Sample)| Sample { prove_ms: s.prove_ms * [1.3, 0.7][i % 2], ..*s };
        let noisy: Vec<_> = honest.iter().enumerate().map(off).collect();
        let fit = Fit::new(&noisy).unwrap();
        assert!(
            [fit.fixed_ms, fit.ns_cell, fit.ns_lookup, fit.ns_weight].iter().all(|&c| c >= 0.0),
            "{fit:?}"
        );
        noisy.iter().for_each(|s| assert!((0.5..1.5).contains(&(fit.predict_ms(s) / s.prove_ms))));
    }

    #[test]
    fn few_points_still_have_a_fit() {
        let all = samples(&Fit { fixed_ms: 20.0, ns_cell: 40.0, ns_lookup: 60.0, ns_weight: 10.0 });
        for n in 1..4 {
            let fit = Fit::new(&all[..n]).unwrap();
            all[..n].iter().for_each(|s| assert!((fit.predict_ms(s) / s.prove_ms - 1.0).abs() < 0.2));
        }
        assert_eq!(Fit::new(&[]), Err(FitError::NoPoints));
        assert_eq!(Fit::new(&[Sample { prove_ms: 0.0, ..all[0] }]), Err(FitError::Time(0.0)));
    }

    #[test]
    fn slopes() {
        assert_eq!(slope(&[(1.0, 5.0), (2.0, 7.0), (4.0, 11.0)]), Some(2.0));
        assert_eq!(slope(&[(1.0, 5.0)]), None);
        assert_eq!(slope(&[]), None);
    }
}
