//! How the integers of an interval lie to one of them: what comparisons, maxima and first maxima look up.

use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// Which flags a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shows {
    /// `(v, [v > at])`
    Greater,
    /// `(v, [v = at])`
    Equal,
    /// `(v, [v > at], [v = at])`
    Both,
}

/// `lo <= v <= hi` with its flags; the last row repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    pub lo: i32,
    pub hi: i32,
    /// May lie outside: then no v equals it.
    pub at: i32,
    pub shows: Shows,
}

impl Order {
    pub fn rows(&self) -> usize {
        (self.hi as i64 - self.lo as i64 + 1) as usize
    }

    pub fn arity(&self) -> usize {
        match self.shows {
            Shows::Both => 3,
            _ => 2,
        }
    }

    pub fn columns(&self) -> Vec<Vec<i32>> {
        let column = |f: &dyn Fn(i32) -> i32| (self.lo..=self.hi).map(f).collect::<Vec<i32>>();
        let v = column(&|v| v);
        let (greater, equal) = (|v| (v > self.at) as i32, |v| (v == self.at) as i32);
        match self.shows {
            Shows::Greater => vec![v, column(&greater)],
            Shows::Equal => vec![v, column(&equal)],
            Shows::Both => vec![v, column(&greater), column(&equal)],
        }
    }

    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        self.entry_range(0).contains(key[0]).then(|| (key[0] - self.lo as i64) as usize)
    }

    pub fn entry_range(&self, entry: usize) -> Interval {
        match entry {
            0 => Interval::new(self.lo as i64, self.hi as i64),
            _ => Interval::new(0, 1),
        }
    }
}
