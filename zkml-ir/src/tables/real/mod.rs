//! Positive reals in our own arithmetic: a 64-bit mantissa and a binary exponent, integer operations only.
//!
//! Tables must agree to the bit on every machine, so they use neither the platform's libm nor its rounding. Each
//! operation truncates: its relative error is below 2^-62. Table entries are rounded from results good to 2^-50 of
//! their real value, so an entry differs from the correctly rounded one only where the real value lies within 2^-50
//! (relative) of a tie.
//!
//! Sine and cosine alone are good to an absolute error, 2^-58: near a multiple of pi no number of digits of the angle
//! gives a relative one.

mod angle;
mod power;
mod sigmoid;

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

/// A real number with its sign; zero has either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    pub negative: bool,
    pub abs: Real,
}

impl Signed {
    /// The exact value; `None` where `v` is not finite.
    pub fn of(v: f64) -> Option<Self> {
        let (bits, field) = (v.to_bits() & ((1 << 52) - 1), (v.to_bits() >> 52 & 0x7ff) as i32);
        // A subnormal number has no implicit bit and the exponent of the smallest normal one.
        let m = if field == 0 { bits } else { bits | 1 << 52 };
        let abs = Real::new(m as u128, field.max(1) - 1075);
        v.is_finite().then_some(Self { negative: v.is_sign_negative(), abs })
    }

    pub fn positive(abs: Real) -> Self {
        Self { negative: false, abs }
    }

    /// The nearest multiple of `step`, ties away from zero, clamped to 2^40.
    pub fn units(self, step: Real) -> i64 {
        let units = self.abs.over(step).round().min(1 << 40) as i64;
        match self.negative {
            true => -units,
            false => units,
        }
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

    /// The square root.
    pub fn sqrt(self) -> Self {
        // The exponent made even; m 2^62 or 2^63 has a root of 63 or 64 bits.
        let odd = self.e & 1;
        Self::new((((self.m as u128) << 62) << odd).isqrt(), (self.e - odd - 62) / 2)
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
}

/// `floor(sqrt(v))`
pub fn isqrt(v: u128) -> u128 {
    v.isqrt()
}

#[cfg(test)]
mod tests;
