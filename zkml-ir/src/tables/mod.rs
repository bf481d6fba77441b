//! Lookup tables: public relations, computed by our own integer arithmetic on every machine alike.
//!
//! A table is a function of its parameters alone. Its rows are padded to a power of two by repeating the last one, which
//! adds no tuple to the relation. Every row is found by a formula from the leading entries of a tuple, its *key*.

mod activation;
mod clamp;
mod exact;
mod exp;
mod fp8;
mod order;
mod ranges;
pub mod real;
mod rsqrt;
mod span;

pub use activation::{Activation, Function};
pub use clamp::{window, Clamp, ClampHigh, ClampLow};
pub use exact::against;
pub use exp::ExpTable;
pub use fp8::{Fp8, Fp8Decode, Fp8Encode};
pub use order::{Order, Shows};
pub use ranges::Ranges;
pub use real::StepBits;
pub use rsqrt::Rsqrt;
pub use span::Span;

use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// A table; its rows are a function of these parameters alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Table {
    Ranges(Ranges),
    Span(Span),
    Clamp(Clamp),
    ClampHigh(ClampHigh),
    ClampLow(ClampLow),
    Activation(Activation),
    Exp(ExpTable),
    Rsqrt(Rsqrt),
    Order(Order),
    Fp8Encode(Fp8Encode),
    Fp8Decode(Fp8Decode),
}

/// How a row is found by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormula {
    /// `x - lo` for x in `[lo, hi]`.
    Shift { lo: i64, hi: i64 },
    /// `2^s + r` for `(s, r)`, s up to `max_bits`, r below `2^s`.
    Ranges { max_bits: u32 },
    /// `2^bits t + l` for `(t, l)`, t up to `most`, l below `2^bits`.
    Digits { most: i64, bits: u32 },
    /// That of [`Rsqrt`].
    Rsqrt,
}

impl Table {
    /// The largest table: 2^20 rows.
    pub const MAX_LOG_ROWS: u32 = 20;

    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Table::Ranges(_) => "ranges",
            Table::Span(_) => "span",
            Table::Clamp(_) => "clamp",
            Table::ClampHigh(_) => "clamp-high",
            Table::ClampLow(_) => "clamp-low",
            Table::Activation(t) => t.function.name(),
            Table::Exp(_) => "softmax-exp",
            Table::Rsqrt(_) => "rsqrt",
            Table::Order(_) => "order",
            Table::Fp8Encode(_) => "fp8",
            Table::Fp8Decode(_) => "fp8-value",
        }
    }

    /// Entries of a tuple.
    pub fn arity(&self) -> usize {
        match self {
            Table::Span(_) => 1,
            Table::Ranges(_) | Table::Clamp(_) | Table::Activation(_) => 2,
            Table::ClampHigh(_) | Table::ClampLow(_) | Table::Exp(_) | Table::Rsqrt(_) => 3,
            Table::Order(t) => t.arity(),
            Table::Fp8Encode(_) | Table::Fp8Decode(_) => 2,
        }
    }

    /// How many leading entries determine the row.
    pub fn key_len(&self) -> usize {
        match self {
            Table::Ranges(_) | Table::ClampLow(_) | Table::Rsqrt(_) => 2,
            _ => 1,
        }
    }

    /// Rows before padding.
    fn own_rows(&self) -> usize {
        match self {
            Table::Ranges(t) => 1 << t.log_rows(),
            Table::Span(t) => t.rows(),
            Table::Clamp(t) => 1 << t.in_bits,
            Table::ClampHigh(_) => 1 << ClampHigh::IN_BITS,
            Table::ClampLow(t) => t.rows(),
            Table::Activation(t) => t.rows(),
            Table::Exp(t) => t.last as usize + 1,
            Table::Rsqrt(_) => Rsqrt::ROWS,
            Table::Order(t) => t.rows(),
            Table::Fp8Encode(t) => t.rows(),
            Table::Fp8Decode(_) => Fp8Decode::ROWS,
        }
    }

    pub fn log_rows(&self) -> u32 {
        self.own_rows().next_power_of_two().trailing_zeros()
    }

    /// Every column, `2^log_rows` entries each. Costs up to a few milliseconds: keep the result.
    pub fn columns(&self) -> Vec<Vec<i32>> {
        let mut columns = match self {
            Table::Ranges(t) => t.columns(),
            Table::Span(t) => t.columns(),
            Table::Clamp(t) => t.columns(),
            Table::ClampHigh(t) => t.columns(),
            Table::ClampLow(t) => t.columns(),
            Table::Activation(t) => t.columns(),
            Table::Exp(t) => t.columns(),
            Table::Rsqrt(t) => t.columns(),
            Table::Order(t) => t.columns(),
            Table::Fp8Encode(t) => t.columns(),
            Table::Fp8Decode(t) => t.columns(),
        };
        for c in &mut columns {
            c.resize(1 << self.log_rows(), *c.last().expect("tables are never empty"));
        }
        columns
    }

    /// The row with this key, `None` where there is none.
    pub fn row_of(&self, key: &[i64]) -> Option<usize> {
        match self {
            Table::Ranges(t) => t.row_of(key),
            Table::Span(t) => t.row_of(key),
            Table::Clamp(t) => t.row_of(key),
            Table::ClampHigh(t) => t.row_of(key),
            Table::ClampLow(t) => t.row_of(key),
            Table::Activation(t) => t.row_of(key),
            Table::Exp(t) => t.row_of(key),
            Table::Rsqrt(t) => t.row_of(key),
            Table::Order(t) => t.row_of(key),
            Table::Fp8Encode(t) => t.row_of(key),
            Table::Fp8Decode(t) => t.row_of(key),
        }
    }

    /// The formula of [`Table::row_of`] in numbers, for machines that count elsewhere; `None` where it is no such formula.
    pub fn rows(&self) -> Option<RowFormula> {
        let range = self.entry_range(0);
        match self {
            Table::Ranges(t) => Some(RowFormula::Ranges { max_bits: t.max_bits }),
            Table::ClampLow(t) => Some(RowFormula::Digits { most: range.hi, bits: t.bits }),
            Table::Rsqrt(_) => Some(RowFormula::Rsqrt),
            Table::Fp8Decode(_) => None,
            _ => Some(RowFormula::Shift { lo: range.lo, hi: range.hi }),
        }
    }

    /// Counts the rows of the keys `key(0..n)`, of which tables with keys of one entry read the first; the first key without a
    /// row, if there is one. The kind of table is looked at once, not for every key.
    pub fn count(&self, n: usize, key: impl Fn(usize) -> [i64; 2], counts: &mut [u32]) -> Option<usize> {
        fn each(
            n: usize,
            key: impl Fn(usize) -> [i64; 2],
            counts: &mut [u32],
            row_of: impl Fn(&[i64]) -> Option<usize>,
        ) -> Option<usize> {
            (0..n).find(|&i| match row_of(&key(i)) {
                Some(row) => {
                    counts[row] += 1;
                    false
                }
                None => true,
            })
        }
        match self {
            Table::Ranges(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Span(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Clamp(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::ClampHigh(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::ClampLow(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Activation(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Exp(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Rsqrt(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Order(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Fp8Encode(t) => each(n, key, counts, |k| t.row_of(k)),
            Table::Fp8Decode(t) => each(n, key, counts, |k| t.row_of(k)),
        }
    }

    /// Every value of a column lies here.
    pub fn entry_range(&self, entry: usize) -> Interval {
        self.entry_range_given(entry, None)
    }

    /// The same, in the rows whose first entry lies in `first`.
    pub fn entry_range_given(&self, entry: usize, first: Option<Interval>) -> Interval {
        match self {
            Table::Ranges(t) => t.entry_range(entry, first),
            Table::Span(t) => t.entry_range(),
            Table::Clamp(t) => t.entry_range(entry),
            Table::ClampHigh(t) => t.entry_range(entry),
            Table::ClampLow(t) => t.entry_range(entry),
            Table::Activation(t) => t.entry_range(entry),
            Table::Exp(t) => t.entry_range(entry),
            Table::Rsqrt(t) => t.entry_range(entry),
            Table::Order(t) => t.entry_range(entry),
            Table::Fp8Encode(t) => t.entry_range(entry),
            Table::Fp8Decode(t) => t.entry_range(entry),
        }
    }

    /// Whether the parameters make sense: a deserialised table may hold anything.
    pub fn is_valid(&self) -> bool {
        let small = |lo: i32, hi: i32| lo <= hi && (hi as i64 - lo as i64) < 1 << Self::MAX_LOG_ROWS;
        match self {
            Table::Ranges(t) => t.max_bits <= Ranges::MAX_BITS,
            Table::Span(t) => small(t.lo, t.hi),
            Table::Clamp(t) => (1..=16).contains(&t.in_bits) && t.lo <= t.hi,
            Table::ClampHigh(t) => t.low_bits <= 8 && t.lo <= t.hi && t.hi < i32::MAX && t.is_aligned(),
            Table::ClampLow(t) => t.bits <= 8,
            Table::Activation(t) => {
                small(t.lo, t.hi)
                    && t.clamp_lo.max(t.lo) <= t.clamp_hi.min(t.hi)
                    && t.out_lo <= t.out_hi
                    && t.in_step.is_valid()
                    && t.out_step.is_valid()
            }
            Table::Exp(t) => t.is_valid(1 << Self::MAX_LOG_ROWS),
            Table::Rsqrt(t) => {
                (1..=1 << 16).contains(&t.len) && t.shift <= 16 && t.log_gain <= 24 && t.gain(1, 1) < 1 << 30
            }
            Table::Order(t) => small(t.lo, t.hi),
            Table::Fp8Encode(t) => small(t.lo, t.hi) && t.scale.is_valid(),
            Table::Fp8Decode(_) => true,
        }
    }
}

#[cfg(test)]
mod tests;
