//! Values of named arguments.

use super::Var;
use std::ops::Range;

/// The value of a named argument: what the source of a model would write behind `heads =`.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgValue {
    Tensor(Var),
    Int(i64),
    Real(f64),
    Bool(bool),
    /// Without its end.
    Range(i64, i64),
    Ints(Vec<i64>),
}

/// An extent beyond i64 stays out of every op's range.
fn int(v: usize) -> i64 {
    i64::try_from(v).unwrap_or(i64::MAX)
}

impl From<Var> for ArgValue {
    fn from(v: Var) -> Self {
        Self::Tensor(v)
    }
}

impl From<i64> for ArgValue {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

// Of integer literals that could be any type, Rust makes an i32.
impl From<i32> for ArgValue {
    fn from(v: i32) -> Self {
        Self::Int(v.into())
    }
}

impl From<usize> for ArgValue {
    fn from(v: usize) -> Self {
        Self::Int(int(v))
    }
}

impl From<f64> for ArgValue {
    fn from(v: f64) -> Self {
        Self::Real(v)
    }
}

impl From<bool> for ArgValue {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}

impl From<Range<i64>> for ArgValue {
    fn from(r: Range<i64>) -> Self {
        Self::Range(r.start, r.end)
    }
}

impl From<Range<i32>> for ArgValue {
    fn from(r: Range<i32>) -> Self {
        Self::Range(r.start.into(), r.end.into())
    }
}

impl From<Range<usize>> for ArgValue {
    fn from(r: Range<usize>) -> Self {
        Self::Range(int(r.start), int(r.end))
    }
}

impl From<Vec<i64>> for ArgValue {
    fn from(v: Vec<i64>) -> Self {
        Self::Ints(v)
    }
}

impl From<&[usize]> for ArgValue {
    fn from(v: &[usize]) -> Self {
        Self::Ints(v.iter().map(|&v| int(v)).collect())
    }
}

impl<const N: usize> From<[usize; N]> for ArgValue {
    fn from(v: [usize; N]) -> Self {
        v.as_slice().into()
    }
}

impl<const N: usize> From<[i64; N]> for ArgValue {
    fn from(v: [i64; N]) -> Self {
        Self::Ints(v.to_vec())
    }
}

impl<const N: usize> From<[i32; N]> for ArgValue {
    fn from(v: [i32; N]) -> Self {
        Self::Ints(v.map(i64::from).to_vec())
    }
}
