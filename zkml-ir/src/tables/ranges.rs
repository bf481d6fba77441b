//! `(s, r)` with `0 <= r < 2^s`, for every s up to a maximum: one table for ranges of any power of two, even one known
//! only when the model is loaded.

use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// Row `2^s + r` is `(s, r)`; row 0 repeats row 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ranges {
    /// The largest s, at most 16.
    pub max_bits: u32,
}

impl Ranges {
    pub const MAX_BITS: u32 = 16;

    pub fn log_rows(&self) -> u32 {
        self.max_bits + 1
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let rows = 1u32 << self.log_rows();
        let s = |i: u32| i.max(1).ilog2();
        vec![
            (0..rows).map(|i| s(i) as i32).collect(),
            (0..rows).map(|i| (i.max(1) - (1 << s(i))) as i32).collect(),
        ]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        let (s, r) = (key[0], key[1]);
        let ok = (0..=self.max_bits as i64).contains(&s) && r >= 0 && r < 1 << s;
        ok.then(|| (1usize << s) + r as usize)
    }

    /// The range of r narrows with the s that the lookup can ask for.
    pub fn entry_range(&self, entry: usize, s: Option<Interval>) -> Interval {
        let top = s.map_or(self.max_bits as i64, |s| s.hi.clamp(0, self.max_bits as i64));
        match entry {
            0 => Interval::new(0, self.max_bits as i64),
            _ => Interval::new(0, (1 << top) - 1),
        }
    }
}
