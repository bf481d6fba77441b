//! Positive reals in our own arithmetic: a 64-bit mantissa and a binary exponent, integer operations only.
//!
//! Tables must agree to the bit on every machine, so they use neither the platform's libm nor its rounding. Each
//! operation truncates: its relative error is below 2^-62. Table entries are rounded from results good to 2^-50 of
//! their real value, so an entry differs from the correctly rounded one only where the real value lies within 2^-50
//! (relative) of a tie.

use serde::{Deserialize, Serialize};

/// A positive finite `f64` by its bits: equality is that of the bits, and no rounding ever happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepBits(u64);

impl StepBits {
    /// `None` unless `v` is positive, finite and normal.
    pub fn new(v: f64) -> Option<Self> {
        (v.is_normal() && v > 0.0).then(|| Self(v.to_bits()))
    }

    /// The exact value.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// The exact value as `mantissa * 2^exponent`.
    pub fn real(self) -> Real {
        let exponent = (self.0 >> 52 & 0x7ff) as i32 - 1075;
        Real::new(((self.0 & ((1 << 52) - 1)) | 1 << 52) as u128, exponent)
    }

    /// Whether the value came from [`StepBits::new`]: deserialised bits may be anything.
    pub fn is_valid(self) -> bool {
        Self::new(self.get()).is_some()
    }
}

/// `m * 2^e` with the top bit of `m` set, or zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Real {
    m: u64,
    e: i32,
}

impl Real {
    pub const ZERO: Self = Self { m: 0, e: 0 };

    /// `m * 2^e`, truncated to 64 bits.
    pub fn new(m: u128, e: i32) -> Self {
        if m == 0 {
            return Self::ZERO;
        }
        let top = 128 - m.leading_zeros() as i32;
        let m = if top > 64 { m >> (top - 64) } else { m << (64 - top) };
        Self { m: m as u64, e: e + top - 64 }
    }

    pub fn int(v: u64) -> Self {
        Self::new(v as u128, 0)
    }

    pub fn is_zero(self) -> bool {
        self.m == 0
    }

    /// `self * 2^k`
    pub fn shifted(self, k: i32) -> Self {
        Self { e: if self.m == 0 { 0 } else { self.e + k }, ..self }
    }

    pub fn times(self, o: Self) -> Self {
        Self::new(self.m as u128 * o.m as u128, self.e + o.e)
    }

    /// # Panics
    /// If `o` is zero.
    pub fn over(self, o: Self) -> Self {
        Self::new(((self.m as u128) << 64) / o.m as u128, self.e - o.e - 64)
    }

    pub fn plus(self, o: Self) -> Self {
        let (big, small) = if self.at_least(o) { (self, o) } else { (o, self) };
        match big.aligned(small) {
            Some((a, b)) => Self::new(a + b, big.e - 62),
            None => big,
        }
    }

    /// `self - o`, zero where that would be negative.
    pub fn minus(self, o: Self) -> Self {
        match self.at_least(o) {
            false => Self::ZERO,
            true => self.aligned(o).map_or(self, |(a, b)| Self::new(a.saturating_sub(b), self.e - 62)),
        }
    }

    pub fn at_least(self, o: Self) -> bool {
        match (self.m, o.m) {
            (_, 0) => true,
            (0, _) => false,
            _ => (self.e, self.m) >= (o.e, o.m),
        }
    }

    /// Both mantissas over `2^(self.e - 62)`; `None` where `o` is too small to matter.
    fn aligned(self, o: Self) -> Option<(u128, u128)> {
        let shift = self.e.checked_sub(o.e).filter(|s| o.m != 0 && *s < 126)?;
        Some(((self.m as u128) << 62, ((o.m as u128) << 62) >> shift))
    }

    /// The nearest integer, ties up; `u64::MAX` where it is larger.
    pub fn round(self) -> u64 {
        match self.e {
            _ if self.m == 0 => 0,
            e if e > 0 => u64::MAX,
            0 => self.m,
            e if e < -64 => 0,
            e => ((self.m as u128 + (1 << (-e - 1))) >> -e) as u64,
        }
    }

    /// `floor(self * 2^64)`, or `None` from 2^32 up.
    fn fixed(self) -> Option<u128> {
        match self.e + 64 {
            _ if self.m == 0 => Some(0),
            k if k > 32 => None,
            k if k >= 0 => Some((self.m as u128) << k),
            k if k > -64 => Some(self.m as u128 >> -k),
            _ => Some(0),
        }
    }

    /// `exp(-self)`: zero from 2^20 up.
    pub fn exp_neg(self) -> Self {
        let Some(x) = self.fixed().filter(|x| x >> 84 == 0) else { return Self::ZERO };
        // x = k ln 2 + r, exp(-x) = 2^-k exp(-r); exp(-r) = 1 / exp(r), a series of positive terms.
        let (k, r) = (x / LN2, x % LN2);
        Self::new(1 << 64, -64).over(exp_series(r)).shifted(-(k as i32))
    }

    /// `exp(self)`: `None` from 2^20 up, where no table goes.
    pub fn exp(self) -> Option<Self> {
        let x = self.fixed().filter(|x| x >> 84 == 0)?;
        let (k, r) = (x / LN2, x % LN2);
        Some(exp_series(r).shifted(k as i32))
    }

    /// `erf(self)` by `2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!`, all terms positive; 1 from 7 up, where
    /// `1 - erf < 2^-73`.
    pub fn erf(self) -> Self {
        if self.at_least(Self::int(7)) {
            return Self::int(1);
        }
        let x2 = self.times(self).shifted(1);
        let (mut term, mut sum) = (self, self);
        for n in 1..400u64 {
            term = term.times(x2).over(Self::int(2 * n + 1));
            let next = sum.plus(term);
            if next == sum {
                break;
            }
            sum = next;
        }
        sum.times(self.times(self).exp_neg()).times(TWO_OVER_SQRT_PI)
    }

    /// `x Phi(x)` of `x = self` and of `x = -self`, both by absolute value.
    pub fn gelu(self) -> (Self, Self) {
        let erf = self.times(SQRT_HALF).erf();
        let one = Self::int(1);
        let (up, down) = (one.plus(erf).shifted(-1), one.minus(erf).shifted(-1));
        (self.times(up), self.times(down))
    }
}

/// ln 2 over 2^64, truncated.
const LN2: u128 = 0xb172_17f7_d1cf_79ab;
/// 2 / sqrt(pi) = 1.128379..
const TWO_OVER_SQRT_PI: Real = Real { m: 0x906e_ba82_14db_688d, e: -63 };
/// sqrt(1/2) = 0.7071..
const SQRT_HALF: Real = Real { m: 0xb504_f333_f9de_6484, e: -64 };

/// `exp(r / 2^64)` for `r < ln 2 * 2^64`.
fn exp_series(r: u128) -> Real {
    let (mut term, mut sum) = (1u128 << 64, 1u128 << 64);
    for n in 1..40 {
        // term < 2^65 and r < 2^64: two halves keep the product in range.
        term = (((term >> 1) * r) >> 63) / n;
        if term == 0 {
            break;
        }
        sum += term;
    }
    Real::new(sum, -64)
}

/// `floor(sqrt(v))`
pub fn isqrt(v: u128) -> u128 {
    v.isqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f(v: f64) -> Real {
        StepBits::new(v).map_or(Real::ZERO, StepBits::real)
    }

    fn back(r: Real) -> f64 {
        r.m as f64 * (r.e as f64).exp2()
    }

    fn close(got: Real, want: f64, what: f64) {
        assert!((back(got) - want).abs() <= want.abs() * 1e-14 + 1e-300, "{what}: {} {want}", back(got));
    }

    #[test]
    fn operations_agree_with_f64() {
        for (a, b) in [(1.5, 2.25), (1e-9, 3e7), (0.1, 0.3), (1.0, 1.0), (123456.789, 1e-30)] {
            close(f(a).plus(f(b)), a + b, a);
            close(f(a).times(f(b)), a * b, a);
            close(f(a).over(f(b)), a / b, a);
            let (hi, lo) = if a > b { (a, b) } else { (b, a) };
            close(f(hi).minus(f(lo)), hi - lo, a);
        }
        assert_eq!(f(2.5).round(), 3);
        assert_eq!(f(2.4999999).round(), 2);
        assert_eq!((f(0.5).round(), f(0.49).round(), f(1e-40).round()), (1, 0, 0));
    }

    #[test]
    fn exp_and_erf_agree_with_known_values() {
        for x in [1e-12, 0.1, 0.5, std::f64::consts::LN_2, 1.0, 3.7, 10.0, 20.0] {
            close(f(x).exp_neg(), (-x).exp(), x);
            close(f(x).exp().unwrap(), x.exp(), x);
        }
        // Abramowitz and Stegun, table 7.1, and mpmath.
        for (x, want) in [
            (0.1, 0.112_462_916_018_284_9),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.5, 0.999_999_256_901_627_7),
        ] {
            close(f(x).erf(), want, x);
        }
        // Phi(-3) = 1.3498980316300946e-3
        let (_, neg) = f(3.0).gelu();
        assert!((back(neg) - 3.0 * 1.349_898_031_630_094_6e-3).abs() < 1e-15);
    }
}
