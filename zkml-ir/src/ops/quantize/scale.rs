//! Which rescales (m, s) are sound for an accumulator and a window, and which of them comes closest to a ratio.
//!
//! The rule is that of DESIGN 5.9: with A = m*acc over the *declared* interval of acc, and B = 2^s*q + r - 2^(s-1) over
//! all q of the window and all r in [0, 2^s), A = B (mod p) must imply A = B, so `-p < A - B < p` must hold for every
//! such pair. See the parent module for what follows for windows.

use crate::elem::{Elem, Interval, P};
use crate::graph::Rescale;

/// The largest shift: a remainder has at most two limbs of 11 bits.
pub const MAX_SHIFT: u32 = 22;
/// The largest shift whose remainder is one limb.
pub const ONE_LIMB_SHIFT: u32 = 16;
/// The widest window that one table of saturation takes; a wider one costs twice the cells.
const ONE_TABLE: u32 = 16;
/// The largest multiplier; more would be precision that no accumulator has.
const MAX_MULTIPLIER: i64 = 1 << 20;
/// A pinned or chosen ratio may miss the wanted one by this much at the ends of the admissible range.
const EDGE: f64 = 0.02;

/// How many times larger than its useful values an accumulator's interval is assumed to be, as a power of two: deep sums
/// never come near their bound. It only matters for accumulators beyond 2^26.
const SLACK_BITS: u32 = 4;

/// The shift that brings an accumulator of this interval down to the target's range.
fn needed_shift(acc: Interval, to: Elem) -> u32 {
    let full = acc.max_abs() as f64 / ((1u64 << SLACK_BITS) as f64 * (to.interval().hi + 1) as f64);
    full.log2().ceil().clamp(1.0, 31.0) as u32
}

/// Signed bits that hold every value of the interval.
fn bits_of(i: Interval) -> u32 {
    (1..63).find(|b| -(1i64 << (b - 1)) <= i.lo && i.hi < 1i64 << (b - 1)).unwrap_or(63)
}

/// Signed bits that hold every value of the element type: no window is narrower.
pub fn least_window(to: Elem) -> u32 {
    bits_of(to.interval())
}

/// The window of a quantisation that names none: 16 bits for 8-bit targets, 20 for wider ones; less where the accumulator
/// is so large that the shift it needs leaves no room for them, and 16 where the accumulator itself needs no more.
pub fn default_window(acc: Interval, to: Elem) -> u32 {
    let widest = if least_window(to) <= 9 { ONE_TABLE } else { bits_of(acc).clamp(ONE_TABLE, 20) };
    31u32.saturating_sub(needed_shift(acc, to)).clamp(least_window(to), widest)
}

/// Limbs of the remainder: a function of types and window alone, so that cost does not depend on scales. A window of 15
/// bits leaves no room for shifts beyond one limb.
pub fn remainder_limbs(acc: Interval, to: Elem, window: u32) -> u32 {
    let full = to.interval().hi << (SLACK_BITS + ONE_LIMB_SHIFT);
    1 + (acc.max_abs() > full && window + ONE_LIMB_SHIFT < 31) as u32
}

/// The values of `2^s*q + r - 2^(s-1)` for q in the signed window and r in [0, 2^s).
fn right_side(s: u32, window: u32) -> Interval {
    let half = 1i64 << (s - 1);
    let reach = 1i64 << (s + window - 1);
    Interval::new(-reach - half, reach - 1 - half)
}

/// Whether the rescale's identity modulo p holds over the integers too.
pub fn is_sound(acc: Interval, window: u32, r: Rescale) -> bool {
    if r.m < 1 || r.s < 1 || r.s + window > 32 {
        return false;
    }
    let gap = acc.scale(r.m as i64) - right_side(r.s, window);
    -P < gap.lo && gap.hi < P
}

/// The admissible rescales of one quantisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admissible {
    pub acc: Interval,
    pub window: u32,
    /// By the number of remainder limbs.
    pub max_shift: u32,
}

impl Admissible {
    pub fn new(acc: Interval, to: Elem, window: u32) -> Self {
        let max_shift = if remainder_limbs(acc, to, window) == 1 { ONE_LIMB_SHIFT } else { MAX_SHIFT };
        Self { acc, window, max_shift }
    }

    pub fn contains(&self, r: Rescale) -> bool {
        r.s <= self.max_shift && (r.m as i64) <= MAX_MULTIPLIER && is_sound(self.acc, self.window, r)
    }

    /// The largest sound multiplier for a shift; none if even 1 is not sound.
    pub fn max_multiplier(&self, s: u32) -> Option<u32> {
        let at = |m: i64| self.contains(Rescale { m: m as u32, s });
        if !at(1) {
            return None;
        }
        let (mut lo, mut hi) = (1, MAX_MULTIPLIER + 1);
        while hi - lo > 1 {
            let mid = (lo + hi) / 2;
            (lo, hi) = if at(mid) { (mid, hi) } else { (lo, mid) };
        }
        Some(lo as u32)
    }

    /// Shifts with their largest multipliers.
    pub fn shifts(self) -> impl Iterator<Item = (u32, u32)> {
        (1..=self.max_shift).filter_map(move |s| self.max_multiplier(s).map(|m| (s, m)))
    }

    /// The smallest and the largest ratio out/acc.
    pub fn ratios(&self) -> Option<(f64, f64)> {
        let least = self.shifts().map(|(s, _)| ratio(Rescale { m: 1, s })).reduce(f64::min)?;
        let most = self.shifts().map(|(s, m)| ratio(Rescale { m, s })).reduce(f64::max)?;
        Some((least, most))
    }

    /// Whether some admissible rescale keeps every accumulator of the interval inside the window. Without one the weights
    /// alone would decide whether the model can be used at all.
    pub fn covers(&self) -> bool {
        self.shifts().any(|(s, _)| rescale(self.acc.max_abs(), Rescale { m: 1, s }) < 1 << (self.window - 1))
    }

    /// The admissible rescale whose ratio is nearest to `target`, none if the target lies outside their range.
    pub fn choose(&self, target: f64) -> Option<Rescale> {
        let (least, most) = self.ratios()?;
        let inside = target >= least * (1.0 - EDGE) && target <= most * (1.0 + EDGE);
        nearest(self.candidates(target, f64::round).filter(|_| inside), target)
    }

    /// The admissible rescale with the largest ratio that does not exceed `target`.
    pub fn at_most(&self, target: f64) -> Option<Rescale> {
        nearest(self.candidates(target, f64::floor).filter(|r| ratio(*r) <= target), target)
    }

    /// The admissible rescale with the smallest ratio that is not below `target`.
    pub fn at_least(&self, target: f64) -> Option<Rescale> {
        nearest(self.candidates(target, f64::ceil).filter(|r| ratio(*r) >= target), target)
    }

    /// For each shift the multiplier that `to_integer` makes of the exact one, clamped to what is admissible.
    fn candidates(self, target: f64, to_integer: fn(f64) -> f64) -> impl Iterator<Item = Rescale> {
        self.shifts().map(move |(s, most)| {
            let m = to_integer(target * (1u64 << s) as f64).clamp(1.0, most as f64);
            Rescale { m: m as u32, s }
        })
    }
}

/// By relative distance; the first (smallest shift) among equals.
fn nearest(candidates: impl Iterator<Item = Rescale>, target: f64) -> Option<Rescale> {
    let off = |r: &Rescale| (ratio(*r) / target).ln().abs();
    candidates.min_by(|a, b| off(a).total_cmp(&off(b)))
}

/// `m / 2^s`.
pub fn ratio(r: Rescale) -> f64 {
    r.m as f64 / (1u64 << r.s) as f64
}

/// `q = floor((m*acc + 2^(s-1)) / 2^s)`
pub fn rescale(acc: i64, r: Rescale) -> i64 {
    (r.m as i64 * acc + (1 << (r.s - 1))) >> r.s
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn symmetric(v: i64) -> Interval {
        Interval::new(-v, v)
    }

    #[test]
    fn windows_and_limbs_of_common_layers() {
        let qkv = symmetric(768 << 14);
        assert_eq!((default_window(qkv, Elem::I8), remainder_limbs(qkv, Elem::I8, 16)), (16, 1));
        let proj = symmetric(3072 << 14);
        assert_eq!((default_window(proj, Elem::I8), default_window(proj, Elem::I16)), (16, 20));
        let huge = symmetric(1 << 29);
        assert_eq!((default_window(huge, Elem::I8), remainder_limbs(huge, Elem::I8, 13)), (13, 2));
        assert_eq!([14, 15, 20].map(|w| remainder_limbs(huge, Elem::I8, w)), [2, 1, 1]);
        assert_eq!((default_window(huge, Elem::I12), default_window(huge, Elem::I16)), (17, 20));
        let (stream, sum) = (Elem::I16.interval(), Elem::I16.interval().scale(2));
        assert_eq!((default_window(stream, Elem::I12), default_window(sum, Elem::I16)), (16, 17));
    }

    #[test]
    fn a_deep_layer_has_ratios_to_choose_from() {
        let a = Admissible::new(symmetric(768 << 14), Elem::I8, 16);
        let (least, most) = a.ratios().unwrap();
        assert_eq!(least, 1.0 / 32768.0);
        assert!(most > 20.0);
        let r = a.choose(1.0 / 2000.0).unwrap();
        assert!((ratio(r) * 2000.0 - 1.0).abs() < 0.03, "{r:?}");
        assert!(a.choose(least / 2.0).is_none());
        assert!(a.covers());
        assert!(!Admissible::new(symmetric(1 << 29), Elem::I16, 8).covers());
    }

    proptest! {
        #[test]
        fn admissible_rescales_cannot_wrap(
            lo in -(1i64 << 30) + 1..0, hi in 0i64..(1 << 30) - 1, window in 8u32..21, t in -16.0f64..4.0,
            q in any::<i32>(), r in any::<u32>(), at_end in any::<bool>(),
        ) {
            let acc = Interval::new(lo, hi);
            let a = Admissible::new(acc, Elem::I8, window);
            for x in [a.choose(t.exp2()), a.at_most(t.exp2())].into_iter().flatten() {
                prop_assert!(a.contains(x));
                let q = (q as i64) >> (32 - window);
                let r = r as i64 % (1 << x.s);
                let v = x.m as i64 * if at_end { hi } else { lo };
                let d = v - (q << x.s) - r + (1 << (x.s - 1));
                prop_assert!(d.abs() < P);
            }
        }

        #[test]
        fn at_most_is_below_and_near(t in -14.0f64..0.0) {
            let a = Admissible::new(symmetric(768 << 14), Elem::I8, 16);
            let r = a.at_most(t.exp2()).unwrap();
            prop_assert!(ratio(r) <= t.exp2() && ratio(r) > 0.5 * t.exp2());
        }
    }
}
