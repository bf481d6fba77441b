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

/// Where a block `[2^b h, 2^b (h + 1))` lies: below `lo`, inside `[lo, hi]`, or above `hi`.
const BELOW: i32 = 0;
const INSIDE: i32 = 1;
const ABOVE: i32 = 2;

/// The high limb of a saturation: `(h, t, base)` for `h` in `[-2^15, 2^15)`, where `q = 2^low_bits * h + l`.
///
/// t says where block h lies; base is the first integer of the block, or of the nearest block inside `[lo, hi]`. `lo`
/// and `hi + 1` are multiples of `2^low_bits`, so no block is cut. With [`ClampLow`], `clamp(q) = base + low`.
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
        self.lo % block == 0 && (self.hi + 1) % block == 0
    }

    /// `(t, base)`
    pub fn row(&self, h: i32) -> (i32, i32) {
        let start = h << self.low_bits;
        match start {
            _ if start < self.lo => (BELOW, self.lo),
            _ if start > self.hi => (ABOVE, self.hi + 1 - (1 << self.low_bits)),
            _ => (INSIDE, start),
        }
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let w = window(Self::IN_BITS);
        let h: Vec<i32> = (w.lo as i32..=w.hi as i32).collect();
        let t = h.iter().map(|&h| self.row(h).0).collect();
        let base = h.iter().map(|&h| self.row(h).1).collect();
        vec![h, t, base]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        let w = window(Self::IN_BITS);
        w.contains(key[0]).then(|| (key[0] - w.lo) as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => window(Self::IN_BITS),
            1 => Interval::new(BELOW as i64, ABOVE as i64),
            _ => Interval::new(self.lo as i64, self.hi as i64 + 1 - (1 << self.low_bits)),
        }
    }
}

/// The low limb of a saturation: `(t, l, low)` for `0 <= l < 2^bits`; low is l inside, 0 below, `2^bits - 1` above. The
/// last row repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClampLow {
    pub bits: u32,
}

impl ClampLow {
    pub fn rows(&self) -> usize {
        3 << self.bits
    }

    pub fn low(&self, t: i32, l: i32) -> i32 {
        match t {
            BELOW => 0,
            ABOVE => (1 << self.bits) - 1,
            _ => l,
        }
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let keys = || (BELOW..=ABOVE).flat_map(|t| (0..1 << self.bits).map(move |l| (t, l)));
        vec![
            keys().map(|k| k.0).collect(),
            keys().map(|k| k.1).collect(),
            keys().map(|(t, l)| self.low(t, l)).collect(),
        ]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        let ok = self.entry_range(0).contains(key[0]) && self.entry_range(1).contains(key[1]);
        ok.then(|| ((key[0] as usize) << self.bits) + key[1] as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => Interval::new(BELOW as i64, ABOVE as i64),
            _ => Interval::new(0, (1 << self.bits) - 1),
        }
    }
}
