//! The exponentials of a softmax row, with the test for its maximum (DESIGN 5.9b).

use super::real::{Real, StepBits};
use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// `(i, e, z)` for `0 <= i <= last`: `e = round(2^a exp(-step * i))` and `z = [i = 0]` up to `range`, both 0 beyond; the
/// last row repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExpTable {
    pub a: u32,
    pub range: u32,
    pub last: u32,
    pub step: StepBits,
}

impl ExpTable {
    /// e at every distance up to `range`.
    pub fn exponentials(&self) -> Vec<i32> {
        let tau = self.step.real();
        (0..=self.range as u64)
            .map(|d| tau.times(Real::int(d)).exp_neg().shifted(self.a as i32).round() as i32)
            .collect()
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let rows = self.last as usize + 1;
        let mut e = self.exponentials();
        e.resize(rows, 0);
        let mut z = vec![0; rows];
        z[0] = 1;
        vec![(0..rows as i32).collect(), e, z]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        self.entry_range(0).contains(key[0]).then_some(key[0] as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => Interval::new(0, self.last as i64),
            1 => Interval::new(0, 1 << self.a),
            _ => Interval::new(0, 1),
        }
    }
}
