//! Element types and integer intervals.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The field modulus of the proof system, `2^31 - 1`.
pub const P: i64 = (1 << 31) - 1;

/// Every integer of a model lies in `(-ACC_LIMIT, ACC_LIMIT)`, so that it has one representative modulo [`P`].
pub const ACC_LIMIT: i64 = 1 << 30;

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Elem {
    I8,
    I12,
    I16,
    I24,
    U8,
    /// An exact integer with a known interval: what sums and products give. Never stored, never a parameter.
    Acc,
}

impl Elem {
    pub const ALL: [Elem; 6] = [Elem::I8, Elem::I12, Elem::I16, Elem::I24, Elem::U8, Elem::Acc];

    pub fn name(self) -> &'static str {
        match self {
            Elem::I8 => "I8",
            Elem::I12 => "I12",
            Elem::I16 => "I16",
            Elem::I24 => "I24",
            Elem::U8 => "U8",
            Elem::Acc => "Acc",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.name() == name)
    }

    /// The values of the type; for `Acc` the widest a tensor may have.
    pub fn interval(self) -> Interval {
        let signed = |bits: u32| Interval::new(-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
        match self {
            Elem::I8 => signed(8),
            Elem::I12 => signed(12),
            Elem::I16 => signed(16),
            Elem::I24 => signed(24),
            Elem::U8 => Interval::new(0, 255),
            Elem::Acc => Interval::new(1 - ACC_LIMIT, ACC_LIMIT - 1),
        }
    }
}

impl fmt::Display for Elem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A closed interval of integers, `lo <= v <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    pub lo: i64,
    pub hi: i64,
}

impl Interval {
    pub const fn new(lo: i64, hi: i64) -> Self {
        assert!(lo <= hi);
        Self { lo, hi }
    }

    pub const fn point(v: i64) -> Self {
        Self { lo: v, hi: v }
    }

    pub fn contains(self, v: i64) -> bool {
        (self.lo..=self.hi).contains(&v)
    }

    pub fn contains_interval(self, other: Self) -> bool {
        self.lo <= other.lo && other.hi <= self.hi
    }

    /// The largest absolute value.
    pub fn max_abs(self) -> i64 {
        self.lo.saturating_abs().max(self.hi.saturating_abs())
    }

    /// The number of integers between the ends, `hi - lo`.
    pub fn width(self) -> i64 {
        self.hi.saturating_sub(self.lo)
    }

    pub fn union(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// `c * v` for every v of the interval.
    pub fn scale(self, c: i64) -> Self {
        let (a, b) = (times(self.lo, c), times(self.hi, c));
        Self { lo: a.min(b), hi: a.max(b) }
    }
}

// Ends saturate instead of wrapping: an interval that large is refused anyway, and must not look small. So the extreme
// integers stand for an end of unknown size beyond them, and whatever is added to such an end, or multiplies it, leaves
// one: `[MIN, MIN] + [MAX, MAX]` is not `[-1, -1]`.
impl std::ops::Add for Interval {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        let end = |unknown: i64, a: i64, b: i64| match a == unknown || b == unknown {
            true => unknown,
            false => a.saturating_add(b),
        };
        Self { lo: end(i64::MIN, self.lo, o.lo), hi: end(i64::MAX, self.hi, o.hi) }
    }
}

/// A product of two ends.
fn times(a: i64, b: i64) -> i64 {
    let unknown = |v: i64| v == i64::MIN || v == i64::MAX;
    match (a == 0 || b == 0, unknown(a) || unknown(b)) {
        (true, _) => 0,
        (_, true) if (a < 0) == (b < 0) => i64::MAX,
        (_, true) => i64::MIN,
        (_, false) => a.saturating_mul(b),
    }
}

impl std::ops::Neg for Interval {
    type Output = Self;
    fn neg(self) -> Self {
        self.scale(-1)
    }
}

impl std::ops::Sub for Interval {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl std::ops::Mul for Interval {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let p = [times(self.lo, o.lo), times(self.lo, o.hi), times(self.hi, o.lo), times(self.hi, o.hi)];
        Self { lo: *p.iter().min().expect("four"), hi: *p.iter().max().expect("four") }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.lo, self.hi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_ends_stay_unknown() {
        let (low, high) = (Interval::point(i64::MIN), Interval::point(i64::MAX));
        assert_eq!(low + high, Interval { lo: i64::MIN, hi: i64::MAX });
        assert_eq!(Interval::new(0, i64::MAX).scale(-1), Interval::new(i64::MIN, 0));
        assert_eq!(
            Interval::new(0, i64::MAX).scale(-3) + Interval::point(i64::MAX).scale(0),
            Interval::new(i64::MIN, 0)
        );
        assert_eq!(Interval::new(0, i64::MAX) * Interval::point(-1), Interval::new(i64::MIN, 0));
        assert_eq!(
            Interval::new(-2, 1 << 40).scale(1 << 40) - Interval::point(i64::MAX),
            Interval { lo: i64::MIN, hi: i64::MAX }
        );
        assert_eq!(Interval::new(-3, 5) * Interval::new(-2, 7), Interval::new(-21, 35));
    }
}
