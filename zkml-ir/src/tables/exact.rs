//! Exact comparison of dyadic rationals: no rounding may move a threshold.

use super::real::StepBits;
use std::cmp::Ordering;

/// `m * 2^e` with m below 2^73: what a product of a step and a cell fits.
pub(super) type Dyadic = (u128, i32);

/// `|v| * step`
pub(super) fn times(v: u64, step: StepBits) -> Dyadic {
    let bits = step.get().to_bits();
    // A step is positive and normal.
    let (mantissa, exponent) = ((bits & ((1 << 52) - 1)) | 1 << 52, (bits >> 52 & 0x7ff) as i32 - 1075);
    (v as u128 * mantissa as u128, exponent)
}

pub(super) fn compare(a: Dyadic, b: Dyadic) -> Ordering {
    if a.0 == 0 || b.0 == 0 {
        return a.0.cmp(&b.0);
    }
    // By the highest bit first: then the shift that aligns the two is no longer than a mantissa.
    let top = |(m, e): Dyadic| e as i64 + 128 - m.leading_zeros() as i64;
    top(a).cmp(&top(b)).then_with(|| match a.1 - b.1 {
        d if d >= 0 => (a.0 << d).cmp(&b.0),
        d => a.0.cmp(&(b.0 << -d)),
    })
}

/// `v * step` against a finite real number.
pub fn against(v: i64, step: StepBits, c: f64) -> Ordering {
    let sign = |negative: bool, zero: bool| {
        if zero {
            0
        } else if negative {
            -1
        } else {
            1
        }
    };
    let (sv, sc) = (sign(v < 0, v == 0), sign(c < 0.0, c == 0.0));
    if sv != sc || sv == 0 {
        return sv.cmp(&sc);
    }
    let bits = c.abs().to_bits();
    let c = match bits >> 52 {
        0 => (bits as u128, -1074),
        e => (((bits & ((1 << 52) - 1)) | 1 << 52) as u128, e as i32 - 1075),
    };
    let order = compare(times(v.unsigned_abs(), step), c);
    if sv > 0 {
        order
    } else {
        order.reverse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_exact() {
        let step = |v| StepBits::new(v).unwrap();
        assert_eq!(against(3, step(0.1), 0.3), Ordering::Greater); // 3 * 0.1 exceeds the double 0.3
        assert_eq!(against(1, step(0.1), 0.1), Ordering::Equal);
        assert_eq!(against(-1, step(0.1), 0.1), Ordering::Less);
        assert_eq!(against(-2, step(0.25), -0.5), Ordering::Equal);
        assert_eq!(against(-3, step(0.25), -0.5), Ordering::Less);
        assert_eq!(against(0, step(1e-300), 0.0), Ordering::Equal);
        assert_eq!(against(0, step(1e-300), -0.0), Ordering::Equal);
        assert_eq!(against(1, step(1e-300), f64::MAX), Ordering::Less);
        assert_eq!(against(1, step(1e300), 5e-324), Ordering::Greater);
        assert_eq!(against(131_071, step(1.0), 131_071.0), Ordering::Equal);
        // The neighbour of a product that needs all bits.
        let s = step(1.0 + f64::EPSILON);
        assert_eq!(against(3, s, 3.0), Ordering::Greater);
        assert_eq!(against(3, s, 3.0 + 4.0 * f64::EPSILON), Ordering::Less);
    }
}
