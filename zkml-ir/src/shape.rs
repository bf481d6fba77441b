//! Tensor shapes.

use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// The largest rank of a tensor.
pub const MAX_RANK: usize = 6;

/// The most elements of a declared tensor: more is a mistake, and must not overflow anything later.
pub const MAX_LEN: usize = if usize::BITS < 64 { 1 << 30 } else { 1 << 40 };

/// Extents that are no shape.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ShapeError {
    #[error("a tensor has 1 to {MAX_RANK} dimensions, got {got}")]
    Rank { got: usize },
    #[error("dimension {axis} of shape {dims:?} is zero")]
    Zero { axis: usize, dims: Vec<usize> },
    #[error("shape {dims:?} has more than {MAX_LEN} elements")]
    Length { dims: Vec<usize> },
}

/// Extents, outermost first. No extent is zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<usize>")]
pub struct Shape(Vec<usize>);

/// As [`Shape::checked`], but what a reduction over all axes leaves is a shape too.
impl TryFrom<Vec<usize>> for Shape {
    type Error = ShapeError;

    fn try_from(dims: Vec<usize>) -> Result<Self, ShapeError> {
        if dims.is_empty() {
            return Ok(Self(dims));
        }
        Self::checked(dims)
    }
}

impl Shape {
    /// # Panics
    /// If an extent is zero or the rank exceeds [`MAX_RANK`]; front ends check before.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        let dims = dims.into();
        assert!(dims.len() <= MAX_RANK && dims.iter().all(|&d| d > 0), "bad shape {dims:?}");
        Self(dims)
    }

    /// The shape of a declared tensor: 1 to [`MAX_RANK`] extents, none zero, [`MAX_LEN`] elements at most.
    pub fn checked(dims: impl Into<Vec<usize>>) -> Result<Self, ShapeError> {
        let dims = dims.into();
        if dims.is_empty() || dims.len() > MAX_RANK {
            return Err(ShapeError::Rank { got: dims.len() });
        }
        if let Some(axis) = dims.iter().position(|&d| d == 0) {
            return Err(ShapeError::Zero { axis, dims });
        }
        match dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) {
            Some(len) if len <= MAX_LEN => Ok(Self(dims)),
            _ => Err(ShapeError::Length { dims }),
        }
    }

    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// Row-major strides.
    pub fn strides(&self) -> Vec<usize> {
        let mut s = vec![1; self.rank()];
        for i in (1..self.rank()).rev() {
            s[i - 1] = s[i] * self.0[i];
        }
        s
    }

    /// The shape of an elementwise op on both: axes align at the end, an extent of 1 or an absent axis stretches.
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        let rank = self.rank().max(other.rank());
        let at = |s: &Self, i: usize| (i + s.rank()).checked_sub(rank).map_or(1, |i| s.0[i]);
        (0..rank)
            .map(|i| match (at(self, i), at(other, i)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_shape_is_told() {
        assert_eq!(Shape::checked([]), Err(ShapeError::Rank { got: 0 }));
        assert_eq!(Shape::checked([1; 7]), Err(ShapeError::Rank { got: 7 }));
        assert_eq!(Shape::checked([3, 0]), Err(ShapeError::Zero { axis: 1, dims: vec![3, 0] }));
        for dims in [vec![MAX_LEN, 2], vec![usize::MAX, usize::MAX]] {
            assert_eq!(Shape::checked(dims.clone()), Err(ShapeError::Length { dims }));
        }
        assert_eq!(Shape::checked([MAX_LEN, 1]).map(|s| s.rank()), Ok(2));
        assert_eq!(Shape::checked([2; 6]), Ok(Shape::new([2; 6])));
    }
}
