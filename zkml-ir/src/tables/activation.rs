//! Elementwise functions of one integer.

use super::real::{Real, StepBits};
use crate::elem::Interval;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Function {
    /// `max(x, 0)`, in real numbers whatever the two steps are.
    Relu,
    /// `x Phi(x)`
    Gelu,
    Exp,
}

/// `(x, y)` with `y = clamp(round(f(in_step * clamp(x, clamp_lo, clamp_hi)) / out_step), out_lo, out_hi)` for `lo <= x <=
/// hi`; the last row repeats.
///
/// The inner clamp is that of a rescale fused with the function. `round` is to the nearest integer; within
/// 2^-50 (relative) of a tie it is one of the two neighbours, the same one on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Activation {
    pub function: Function,
    pub lo: i32,
    pub hi: i32,
    pub clamp_lo: i32,
    pub clamp_hi: i32,
    pub out_lo: i32,
    pub out_hi: i32,
    pub in_step: StepBits,
    pub out_step: StepBits,
}

impl Activation {
    pub fn rows(&self) -> usize {
        (self.hi as i64 - self.lo as i64 + 1) as usize
    }

    /// The function at x.
    pub fn apply(&self, x: i32) -> i32 {
        let x = x.clamp(self.clamp_lo, self.clamp_hi);
        let (negative, abs) = (x < 0, Real::int(x.unsigned_abs() as u64).times(self.in_step.real()));
        let (negative, value) = match self.function {
            Function::Relu => (false, if negative { Real::ZERO } else { abs }),
            Function::Gelu => (negative, if negative { abs.gelu().1 } else { abs.gelu().0 }),
            Function::Exp if negative => (false, abs.exp_neg()),
            // Beyond any output: clamped.
            Function::Exp => (false, abs.exp().unwrap_or(Real::int(1).shifted(1 << 20))),
        };
        let units = value.over(self.out_step.real()).round().min(1 << 40) as i64;
        let units = if negative { -units } else { units };
        units.clamp(self.out_lo as i64, self.out_hi as i64) as i32
    }

    /// The function at every `clamp_lo <= x <= clamp_hi` of the domain, for callers that evaluate many cells.
    pub fn inner(&self) -> (i32, Vec<i32>) {
        let (from, to) = (self.clamp_lo.max(self.lo), self.clamp_hi.min(self.hi));
        (from, (from..=to).map(|x| self.apply(x)).collect())
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let (from, inner) = self.inner();
        let y = |x: i32| inner[(x.clamp(from, self.clamp_hi.min(self.hi)) - from) as usize];
        vec![(self.lo..=self.hi).collect(), (self.lo..=self.hi).map(y).collect()]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        self.entry_range(0).contains(key[0]).then(|| (key[0] - self.lo as i64) as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => Interval::new(self.lo as i64, self.hi as i64),
            _ => Interval::new(self.out_lo as i64, self.out_hi as i64),
        }
    }
}
