//! Axes as digits: an odd digit and bits.
//!
//! An extent `d = odd * 2^bits` is written with one digit of radix `odd` (the most significant) and `bits` binary
//! digits. The odd digits of a tensor pick a *slab*, a dense block of `2^(sum of bits)` cells; the bits address a cell
//! in it. So 768 = 3 * 2^8 stores 3 slabs, not the 4 of a padded power of two.

use crate::shape::Shape;
use serde::{Deserialize, Serialize};

/// One axis: extent `odd << bits` with `odd` odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Axis {
    pub odd: u32,
    pub bits: u32,
}

impl Axis {
    /// # Panics
    /// If `extent` is zero.
    pub fn new(extent: usize) -> Self {
        assert!(extent > 0, "an axis has at least one element");
        let bits = extent.trailing_zeros();
        Self { odd: (extent >> bits) as u32, bits }
    }

    pub fn extent(self) -> usize {
        (self.odd as usize) << self.bits
    }

    /// Coordinates of the odd digit in a multilinear extension.
    pub fn odd_vars(self) -> usize {
        self.odd.next_power_of_two().trailing_zeros() as usize
    }

    /// All coordinates.
    pub fn vars(self) -> usize {
        self.odd_vars() + self.bits as usize
    }
}

/// An index space: axes, outermost first. The empty space has one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Space(pub Vec<Axis>);

impl Space {
    pub fn of(dims: &[usize]) -> Self {
        Self(dims.iter().map(|&d| Axis::new(d)).collect())
    }

    pub fn axes(&self) -> &[Axis] {
        &self.0
    }

    /// Number of cells.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.0.iter().map(|a| a.extent()).product()
    }

    /// Number of slabs: the product of the odd digits.
    pub fn slabs(&self) -> usize {
        self.0.iter().map(|a| a.odd as usize).product()
    }

    /// log2 of the cells in a slab.
    pub fn slab_bits(&self) -> u32 {
        self.0.iter().map(|a| a.bits).sum()
    }

    pub fn shape(&self) -> Shape {
        Shape::new(self.0.iter().map(|a| a.extent()).collect::<Vec<_>>())
    }

    /// How far apart neighbours along each axis lie in row-major order. What is committed may have more axes than a [`Shape`].
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.0.len()];
        for i in (1..self.0.len()).rev() {
            strides[i - 1] = strides[i] * self.0[i].extent();
        }
        strides
    }

    /// This space followed by `more`.
    pub fn and(&self, more: &[Axis]) -> Self {
        Self(self.0.iter().chain(more).copied().collect())
    }

    /// For each axis the position of its lowest bit in a slab's address.
    pub fn bit_offsets(&self) -> Vec<u32> {
        let mut at = self.slab_bits();
        self.0
            .iter()
            .map(|a| {
                at -= a.bits;
                at
            })
            .collect()
    }

    /// For each axis the stride of its odd digit in the slab index.
    pub fn slab_strides(&self) -> Vec<u32> {
        let mut at = self.slabs() as u32;
        self.0
            .iter()
            .map(|a| {
                at /= a.odd;
                at
            })
            .collect()
    }
}

impl From<&Shape> for Space {
    fn from(s: &Shape) -> Self {
        Self::of(s.dims())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_common_extents() {
        assert_eq!(Axis::new(768), Axis { odd: 3, bits: 8 });
        assert_eq!(Axis::new(1), Axis { odd: 1, bits: 0 });
        assert_eq!((Axis::new(17).odd_vars(), Axis::new(10).vars()), (5, 4));
        let s = Space::of(&[64, 768, 10]);
        assert_eq!((s.slabs(), s.slab_bits(), s.len()), (15, 15, 64 * 7680));
        assert_eq!(s.bit_offsets(), [9, 1, 0]);
        assert_eq!(s.slab_strides(), [15, 5, 1]);
    }
}
