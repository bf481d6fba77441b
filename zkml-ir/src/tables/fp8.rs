//! 8-bit floating point: E4M3 and E5M2 (Open Compute Project, "OCP 8-bit Floating Point Specification", 2023).
//!
//! A code is a sign bit, an exponent field e and a mantissa field m of b bits: `m 2^(1-bias-b)` for e = 0 (subnormal),
//! else `(2^b + m) 2^(e-bias-b)`. E4M3 (bias 7, b = 3) has no infinity; only e = 15, m = 7 is NaN, so the largest value
//! is 448. E5M2 (bias 15, b = 2) keeps e = 31 for infinity and NaN: the largest value is 57344.

use super::exact::{compare, times};
use super::real::StepBits;
use crate::elem::Interval;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fp8 {
    E4M3,
    E5M2,
}

impl Fp8 {
    pub const SIGN: i32 = 0x80;

    pub fn name(self) -> &'static str {
        match self {
            Fp8::E4M3 => "e4m3",
            Fp8::E5M2 => "e5m2",
        }
    }

    const fn mantissa_bits(self) -> u32 {
        match self {
            Fp8::E4M3 => 3,
            Fp8::E5M2 => 2,
        }
    }

    /// log2 of the smallest positive value, of which every other is a multiple.
    pub const fn least(self) -> i32 {
        match self {
            Fp8::E4M3 => -9,
            Fp8::E5M2 => -16,
        }
    }

    /// The code of the largest value.
    pub const fn last(self) -> i32 {
        match self {
            Fp8::E4M3 => 0x7e,
            Fp8::E5M2 => 0x7b,
        }
    }

    /// The largest value.
    pub const fn most(self) -> i64 {
        match self {
            Fp8::E4M3 => 448,
            Fp8::E5M2 => 57344,
        }
    }

    /// log2 of the unit in which codes are read as integers. All of E4M3 is whole in its smallest value; E5M2 would
    /// need 33 bits for that, and has 31: values below 2^-12 are rounded to multiples of 2^-14, ties to even.
    pub const fn unit(self) -> i32 {
        match self {
            Fp8::E4M3 => -9,
            Fp8::E5M2 => -14,
        }
    }

    /// A non-negative code's value in units of `2^least`; codes ascend with their values.
    fn magnitude(self, code: i32) -> u64 {
        let b = self.mantissa_bits();
        let (e, m) = (code as u64 >> b, code as u64 & ((1 << b) - 1));
        match e {
            0 => m,
            _ => ((1 << b) + m) << (e - 1),
        }
    }

    /// The code's value in units of `2^unit`; `None` for infinities and NaN.
    pub fn decode(self, code: i32) -> Option<i32> {
        let positive = code & !Self::SIGN;
        if !(0..256).contains(&code) || positive > self.last() {
            return None;
        }
        let (v, cut) = (self.magnitude(positive), (self.unit() - self.least()) as u32);
        let v = match cut {
            0 => v,
            _ => (v + (1 << (cut - 1)) - 1 + (v >> cut & 1)) >> cut,
        };
        Some(if code & Self::SIGN == 0 { v as i32 } else { -(v as i32) })
    }

    /// The code nearest to `x * scale`: ties to the even code, saturating; a negative x keeps its sign, down to -0.
    pub fn encode(self, x: i32, scale: StepBits) -> i32 {
        let value = times(x.unsigned_abs() as u64, scale);
        // The codes 1, 2, .. that the value is nearer to than to their predecessors.
        let (mut code, mut above) = (0, self.last() + 1);
        while above - code > 1 {
            let c = (code + above) / 2;
            let middle = (self.magnitude(c - 1) + self.magnitude(c)) as u128;
            let reached = compare(value, (middle, self.least() - 1));
            match reached.is_gt() || reached.is_eq() && c % 2 == 0 {
                true => code = c,
                false => above = c,
            }
        }
        code | if x < 0 { Self::SIGN } else { 0 }
    }
}

/// `(x, code)` for `lo <= x <= hi`: the code nearest to `x * scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fp8Encode {
    pub format: Fp8,
    pub lo: i32,
    pub hi: i32,
    pub scale: StepBits,
}

impl Fp8Encode {
    pub fn rows(&self) -> usize {
        (self.hi as i64 - self.lo as i64 + 1) as usize
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let x = self.lo..=self.hi;
        vec![x.clone().collect(), x.map(|x| self.format.encode(x, self.scale)).collect()]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        self.entry_range(0).contains(key[0]).then(|| (key[0] - self.lo as i64) as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => Interval::new(self.lo as i64, self.hi as i64),
            _ => Interval::new(0, 255),
        }
    }
}

/// `(code, value)` for the codes of numbers; the rows of other codes repeat (0, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fp8Decode {
    pub format: Fp8,
}

impl Fp8Decode {
    pub const ROWS: usize = 256;

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let rows = (0..Self::ROWS as i32).map(|c| self.format.decode(c).map_or((0, 0), |v| (c, v)));
        let (codes, values) = rows.unzip();
        vec![codes, values]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        let code = i32::try_from(key[0]).ok()?;
        self.format.decode(code).map(|_| code as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        let most = self.format.most() << -self.format.unit();
        match entry {
            0 => Interval::new(0, 255),
            _ => Interval::new(-most, most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code's value from the standard's tables, in f64 arithmetic that shares nothing with the above.
    fn value(format: Fp8, code: i32) -> Option<f64> {
        let (bias, b) = if format == Fp8::E4M3 { (7, 3) } else { (15, 2) };
        let (sign, e, m) = (code >> 7, code >> b & (0x7f >> b), code & ((1 << b) - 1));
        let nan = match format {
            Fp8::E4M3 => e == 15 && m == 7,
            Fp8::E5M2 => e == 31,
        };
        let fraction = m as f64 / (1 << b) as f64;
        let v = match e {
            0 => fraction * 2f64.powi(1 - bias),
            _ => (1.0 + fraction) * 2f64.powi(e - bias),
        };
        (!nan).then_some(if sign == 1 { -v } else { v })
    }

    #[test]
    fn all_codes_decode() {
        for (format, most, numbers) in [(Fp8::E4M3, 448.0, 254), (Fp8::E5M2, 57344.0, 248)] {
            let all: Vec<f64> = (0..256).filter_map(|c| value(format, c)).collect();
            assert_eq!((all.len(), all.iter().copied().fold(0.0, f64::max)), (numbers, most));
            for code in 0..256 {
                let want =
                    value(format, code).map(|v| (v * 2f64.powi(-format.unit())).round_ties_even() as i32);
                assert_eq!(format.decode(code), want, "{format:?} {code:#x}");
            }
        }
        assert_eq!((Fp8::E4M3.decode(-1), Fp8::E4M3.decode(256)), (None, None));
    }

    #[test]
    fn every_integer_takes_the_nearest_code() {
        for format in [Fp8::E4M3, Fp8::E5M2] {
            for scale in [1.0, 1.0 / 128.0, 0.0123, 3.0, 1e-6, 1e3] {
                let bits = StepBits::new(scale).unwrap();
                for x in (-32768..32768).step_by(7).chain(-300..300).chain([32767]) {
                    let got = format.encode(x, bits);
                    let (v, mut best) = (x as f64 * scale, (f64::MAX, 0));
                    for code in (0..256).filter(|c| (c >> 7 == 1) == (x < 0)) {
                        let Some(c) = value(format, code) else { continue };
                        let off = (c - v).abs();
                        if off < best.0 || off == best.0 && code % 2 == 0 {
                            best = (off, code);
                        }
                    }
                    assert_eq!(got, best.1, "{format:?} {x} * {scale}");
                }
            }
        }
    }

    #[test]
    fn codes_survive_a_round_trip() {
        for format in [Fp8::E4M3, Fp8::E5M2] {
            for code in (0..256).filter(|&c| c != Fp8::SIGN) {
                let Some(v) = format.decode(code) else { continue };
                // The E5M2 codes below that of 2^-12 are not whole in its unit.
                if format == Fp8::E4M3 || code & 0x7f >= 12 {
                    let unit = StepBits::new(2f64.powi(format.unit())).unwrap();
                    assert_eq!(format.encode(v, unit), code);
                }
            }
        }
    }
}
