//! Saturation: of a window that fits one table, and of the high limb of a wider one.

use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// `(q, clamp(q, lo, hi))` for `q` in `[-2^(in_bits-1), 2^(in_bits-1))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Clamp {
    pub in_bits: u32,
    pub lo: i32,
    pub hi: i32,
}

/// The window of `bits` bits, signed.
pub fn window(bits: u32) -> Interval {
    Interval::new(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
}

impl Clamp {
    pub fn columns(&self) -> Vec<Vec<i32>> {
        let w = window(self.in_bits);
        vec![
            (w.lo as i32..=w.hi as i32).collect(),
            (w.lo as i32..=w.hi as i32).map(|q| q.clamp(self.lo, self.hi)).collect(),
        ]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        let w = window(self.in_bits);
        w.contains(key[0]).then(|| (key[0] - w.lo) as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => window(self.in_bits),
            _ => Interval::new(self.lo as i64, self.hi as i64),
        }
    }
}

/// The high limb of a saturation: `(h, f, base)` for `h` in `[-2^15, 2^15)`, where `q = 2^low_bits * h + l`.
///
/// `f = 1` where the block `[2^low_bits h, 2^low_bits (h + 1))` lies in `[lo, hi]`, and then `base = 2^low_bits h`, so
/// that the result is `base + l`. Elsewhere `f = 0` and `base` is the bound that the block lies beyond. `lo` and
/// `hi + 1` are multiples of `2^low_bits`, so no block is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClampHigh {
    pub low_bits: u32,
    pub lo: i32,
    pub hi: i32,
}

impl ClampHigh {
    pub const IN_BITS: u32 = 16;

    /// Whether no block is cut.
    pub fn is_aligned(&self) -> bool {
        let block = 1i32 << self.low_bits;
        self.low_bits <= 8 && self.lo % block == 0 && (self.hi + 1) % block == 0
    }

    /// `(f, base)`
    pub fn row(&self, h: i32) -> (i32, i32) {
        let start = h << self.low_bits;
        match start {
            _ if start < self.lo => (0, self.lo),
            _ if start > self.hi => (0, self.hi),
            _ => (1, start),
        }
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let w = window(Self::IN_BITS);
        let h: Vec<i32> = (w.lo as i32..=w.hi as i32).collect();
        let f = h.iter().map(|&h| self.row(h).0).collect();
        let base = h.iter().map(|&h| self.row(h).1).collect();
        vec![h, f, base]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        let w = window(Self::IN_BITS);
        w.contains(key[0]).then(|| (key[0] - w.lo) as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => window(Self::IN_BITS),
            1 => Interval::new(0, 1),
            _ => Interval::new(self.lo as i64, self.hi as i64),
        }
    }
}
