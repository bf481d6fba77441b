//! The step of a tensor: fine steps clip large values, coarse steps round all of them.

use super::integers;
use super::stats::Stats;
use crate::elem::{Elem, Interval};
use crate::float::function;
use crate::tables::Function;

/// The function that reads a quantised tensor, where only one does: its error is what counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reader {
    Any,
    /// In its argument's step, with next to nothing left of negative values.
    Gate(Function),
    Clamp(f64, f64),
    /// In a fine step of its own, with limits at both ends.
    Limited(Function),
}

impl Reader {
    fn apply(self, x: f64) -> f64 {
        match self {
            Reader::Any => x,
            Reader::Gate(f) | Reader::Limited(f) => function(f, x),
            Reader::Clamp(lo, hi) => x.max(lo).min(hi),
        }
    }
}

/// A tensor that shares a free step: its own step is `coef` times the free one.
pub(super) struct Tensor<'a> {
    pub stats: &'a Stats,
    pub elem: Elem,
    pub coef: f64,
    pub reader: Reader,
    /// Its values are known, not a sample of what may come.
    pub is_weight: bool,
}

impl Tensor<'_> {
    /// What the reader makes of the values that were kept.
    fn behind(&self) -> Vec<f64> {
        self.stats.values.iter().map(|&x| self.reader.apply(x as f64)).collect()
    }
}

/// Data of 12 and 16 bits leaves room for what the samples did not show: rounding is small there, and one clipped outlier
/// of a residual stream is not. 8 bits cannot afford it.
const HEADROOM: f64 = 1.25;
/// Ratio of one tried step to the next, and how many are tried: down to a sixth of the range.
const SHRINK: f64 = 0.97;
const TRIES: i32 = 60;

/// The free step for all tensors that share it; none if they are zero.
pub(super) fn step(tensors: &[Tensor]) -> Option<f64> {
    let full = tensors.iter().filter_map(covering).reduce(f64::max)?;
    if tensors.iter().any(|t| t.elem.interval().hi >= Elem::I12.interval().hi) {
        let all_known = tensors.iter().all(|t| t.is_weight);
        return Some(if all_known { full } else { full * HEADROOM });
    }
    let tries = (0..TRIES).map(|i| full * SHRINK.powi(i));
    // The first of equals: the coarsest, which clips least.
    let behind: Vec<Vec<f64>> = tensors.iter().map(|t| t.behind()).collect();
    let error = |step| tensors.iter().zip(&behind).map(|(t, b)| error(t, b, step)).sum::<f64>();
    let errors = tries.map(|step| (step, error(step)));
    errors.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(step, _)| step)
}

/// The finest step at which nothing clips that the reader would see.
fn covering(t: &Tensor) -> Option<f64> {
    let Interval { lo, hi } = t.elem.interval();
    let above = t.stats.max as f64 / hi as f64;
    let gate = matches!(t.reader, Reader::Gate(_));
    let below = if lo < 0 && !gate { t.stats.min as f64 / lo as f64 } else { 0.0 };
    let all = t.stats.max_abs() as f64 / hi as f64;
    let cover = above.max(below);
    Some(if cover > 0.0 { cover } else { all } / t.coef).filter(|&s| s > 0.0)
}

/// Mean squared error behind the reader, whose result is rounded in the same step but where it has one of its own. `behind`
/// is what it makes of the exact values.
fn error(t: &Tensor, behind: &[f64], free: f64) -> f64 {
    let (step, range) = (t.coef * free, t.elem.interval());
    let (lo, hi) = (range.lo as f64, range.hi as f64);
    let result = |q: i64| match (t.reader, t.reader.apply(q as f64 * step)) {
        (Reader::Limited(_), y) => y,
        (_, y) => (y / step).round().clamp(lo, hi) * step,
    };
    let table: Vec<f64> = (range.lo..=range.hi).map(result).collect();
    let square = |x: f32, exact: f64| {
        (table[(integers::nearest(x as f64 / step, lo, hi) - range.lo as i32) as usize] - exact).powi(2)
    };
    let kept = t.stats.values.iter().zip(behind).map(|(&x, &b)| square(x, b)).sum::<f64>()
        / t.stats.values.len().max(1) as f64;
    // The extremes, which are seldom among the values that were kept and err the most where they clip.
    let end = |x: f32| square(x, t.reader.apply(x as f64));
    let ends = if t.stats.values.len() < t.stats.seen { end(t.stats.min) + end(t.stats.max) } else { 0.0 };
    kept + ends / t.stats.seen.max(1) as f64
}
