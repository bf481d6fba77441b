//! The exponentials of a row of scores, with those one step nearer (DESIGN 5.9b and docs/protocol.md, section 3.3).

use super::real::{Real, StepBits};
use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// `(i, e(i), e(i-1))` for `0 <= i <= range`, with `e(i) = round(scale exp(-step i / 2^log_grain))` and `e(-1) = 2^top_bits`;
/// `(i, 0, 0)` up to `last`, where scores are masked. The last row repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExpTable {
    pub scale: u32,
    pub top_bits: u32,
    pub log_grain: u32,
    pub range: u32,
    pub last: u32,
    pub step: StepBits,
}

impl ExpTable {
    /// e at a distance.
    pub fn at(&self, distance: u32) -> i32 {
        let x = self.step.real().times(Real::int(distance as u64)).shifted(-(self.log_grain as i32));
        x.exp_neg().times(Real::int(self.scale as u64)).round() as i32
    }

    /// e at every distance up to `range`.
    pub fn exponentials(&self) -> Vec<i32> {
        (0..=self.range).map(|d| self.at(d)).collect()
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let rows = self.last as usize + 1;
        let mut e = self.exponentials();
        let mut nearer = Vec::with_capacity(rows);
        nearer.push(1 << self.top_bits);
        nearer.extend(&e[..e.len() - 1]);
        e.resize(rows, 0);
        nearer.resize(rows, 0);
        vec![(0..rows as i32).collect(), e, nearer]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        self.entry_range(0).contains(key[0]).then_some(key[0] as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => Interval::new(0, self.last as i64),
            1 => Interval::new(0, self.scale as i64),
            _ => Interval::new(0, 1 << self.top_bits),
        }
    }

    pub fn is_valid(&self, max_rows: u32) -> bool {
        self.top_bits <= 24
            && (1..1 << self.top_bits).contains(&self.scale)
            && self.log_grain <= 16
            && self.range <= self.last
            && self.last < max_rows
            && self.step.is_valid()
    }
}
