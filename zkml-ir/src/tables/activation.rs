//! Elementwise functions of one integer.

use super::real::{Real, Signed, StepBits};
use crate::elem::Interval;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Function {
    /// `max(x, 0)`, in real numbers whatever the two steps are.
    Relu,
    /// `x Phi(x)`
    Gelu,
    Exp,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `x sigmoid(x)`
    Silu,
    Tanh,
    /// `x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2`
    GeluTanh,
    /// `1 / sqrt(x)`, beyond any output for `x <= 0`.
    Rsqrt,
    /// `1 / x`, beyond any output for `x = 0`.
    Reciprocal,
    Abs,
    /// x: what saturates is the output.
    Identity,
    /// `sqrt(max(x, 0))`
    Sqrt,
    /// The natural logarithm, below any output for `x <= 0`.
    Log,
    /// Of radians; an angle of 2^20 or more counts as zero.
    Sin,
    Cos,
}

/// Larger than any output in any step: clamped.
const BEYOND: i32 = 1 << 20;

impl Function {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Gelu => "gelu",
            Self::Exp => "exp",
            Self::Sigmoid => "sigmoid",
            Self::Silu => "silu",
            Self::Tanh => "tanh",
            Self::GeluTanh => "gelu-tanh",
            Self::Rsqrt => "reciprocal-root",
            Self::Reciprocal => "reciprocal",
            Self::Abs => "abs",
            Self::Identity => "clamp",
            Self::Sqrt => "sqrt",
            Self::Log => "log",
            Self::Sin => "sin",
            Self::Cos => "cos",
        }
    }

    /// The function at x, where it is larger than any output a number that is too.
    pub fn at(self, x: Signed) -> Signed {
        let (abs, negative) = (x.abs, x.negative && !x.abs.is_zero());
        let (one, beyond) = (Real::int(1), Real::int(1).shifted(BEYOND));
        let positive = Signed::positive;
        let gate = |(up, down)| Signed { negative, abs: if negative { down } else { up } };
        match self {
            Self::Relu if negative => positive(Real::ZERO),
            Self::Relu | Self::Abs => positive(abs),
            Self::Gelu => gate(abs.gelu()),
            Self::Exp if negative => positive(abs.exp_neg()),
            Self::Exp => positive(abs.exp().unwrap_or(beyond)),
            Self::Sigmoid => positive(gate(abs.sigmoid()).abs),
            Self::Silu => gate(abs.silu()),
            Self::Tanh => Signed { negative, abs: abs.tanh() },
            Self::GeluTanh => gate(abs.gelu_tanh()),
            Self::Rsqrt if negative || abs.is_zero() => positive(beyond),
            Self::Rsqrt => positive(one.over(abs.sqrt())),
            Self::Reciprocal if abs.is_zero() => positive(beyond),
            Self::Reciprocal => Signed { negative, abs: one.over(abs) },
            Self::Identity => x,
            Self::Sqrt if negative => positive(Real::ZERO),
            Self::Sqrt => positive(abs.sqrt()),
            Self::Log if negative || abs.is_zero() => Signed { negative: true, abs: beyond },
            Self::Log => abs.ln(),
            Self::Sin => abs.sin_cos().map_or(positive(Real::ZERO), |(sin, _)| Signed {
                negative: sin.negative != negative,
                abs: sin.abs,
            }),
            Self::Cos => abs.sin_cos().map_or(positive(one), |(_, cos)| cos),
        }
    }
}

/// `(x, y)` with `y = clamp(round(f(in_step * clamp(x, clamp_lo, clamp_hi)) / out_step), out_lo, out_hi)` for `lo <= x <=
/// hi`; the last row repeats.
///
/// The inner clamp is that of a rescale fused with the function. `round` is to the nearest integer; within
/// 2^-50 (relative; of sine and cosine within 2^-58) of a tie it is one of the two neighbours, the same one on every machine.
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
        let abs = Real::int(x.unsigned_abs() as u64).times(self.in_step.real());
        let units = self.function.at(Signed { negative: x < 0, abs }).units(self.out_step.real());
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
