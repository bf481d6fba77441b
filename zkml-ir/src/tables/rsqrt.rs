//! Reciprocal square roots of a normalised variance (DESIGN 5.9c).

use super::real::isqrt;
use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// `(P, v, g)` with `P = 4^e`, `0 <= e <= 8`, `v` in `[2^11, 2^13)` (in `[1, 2^13)` for `e = 0`) and
/// `g = floor(2^log_gain * sqrt(len) / sqrt(2^shift * P * (v + 1)))`; the last row repeats.
///
/// Every `1 <= V < 2^29` has one `(P, v)` with `v = floor(V / P)`: the intervals `[P 2^11, P 2^13)` for `P > 1` and `[1,
/// 2^13)` partition `[1, 2^29)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rsqrt {
    pub len: u32,
    pub shift: u32,
    pub log_gain: u32,
}

impl Rsqrt {
    const LOW: i64 = 1 << 11;
    const HIGH: i64 = 1 << 13;
    const MAX_E: u32 = 8;
    /// V lies below.
    pub const LIMIT: i64 = Self::HIGH << (2 * Self::MAX_E);
    pub const ROWS: usize = (Self::HIGH - 1 + Self::MAX_E as i64 * (Self::HIGH - Self::LOW)) as usize;

    /// `(P, v)` of `1 <= V < 2^29`.
    pub fn normalise(variance: i64) -> (i64, i64) {
        let e = (0..Self::MAX_E).find(|e| variance < Self::HIGH << (2 * e)).unwrap_or(Self::MAX_E);
        (1 << (2 * e), variance >> (2 * e))
    }

    pub fn gain(&self, p: i64, v: i64) -> i64 {
        // floor(sqrt(x)) = isqrt(floor(x))
        let num = (self.len as u128) << (2 * self.log_gain);
        isqrt(num / ((p as u128 * (v as u128 + 1)) << self.shift)) as i64
    }

    pub(super) fn keys() -> impl Iterator<Item = (i64, i64)> {
        (0..=Self::MAX_E)
            .flat_map(|e| (if e == 0 { 1 } else { Self::LOW }..Self::HIGH).map(move |v| (1 << (2 * e), v)))
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        vec![
            Self::keys().map(|(p, _)| p as i32).collect(),
            Self::keys().map(|(_, v)| v as i32).collect(),
            Self::keys().map(|(p, v)| self.gain(p, v) as i32).collect(),
        ]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        let (p, v) = (key[0], key[1]);
        let e = (0..=Self::MAX_E).find(|e| p == 1 << (2 * e))? as i64;
        let (from, before) = match e {
            0 => (1, 0),
            _ => (Self::LOW, Self::HIGH - 1 + (e - 1) * (Self::HIGH - Self::LOW)),
        };
        (from..Self::HIGH).contains(&v).then(|| (before + v - from) as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => Interval::new(1, 1 << (2 * Self::MAX_E)),
            1 => Interval::new(1, Self::HIGH - 1),
            _ => Interval::new(0, self.gain(1, 1)),
        }
    }
}
