//! The integers of an interval that is no power of two.

use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// `(v)` for `lo <= v <= hi`; the last row repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    pub lo: i32,
    pub hi: i32,
}

impl Span {
    pub fn rows(&self) -> usize {
        (self.hi as i64 - self.lo as i64 + 1) as usize
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        vec![(self.lo..=self.hi).collect()]
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        self.entry_range().contains(key[0]).then(|| (key[0] - self.lo as i64) as usize)
    }

    pub fn entry_range(&self) -> Interval {
        Interval::new(self.lo as i64, self.hi as i64)
    }
}
