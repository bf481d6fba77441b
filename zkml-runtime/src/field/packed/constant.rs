use std::simd::u64x8;

use super::lanes::nine;
use super::{PackedF, Wide};
use crate::field::F;

/// A factor that is the same in every lane, its operands ready to be broadcast.
#[derive(Clone, Copy, Debug)]
pub struct MulConst {
    operands: [u64; 9],
}

impl MulConst {
    pub fn new(value: F) -> Self {
        let [b0, b1, b2, b3] = value.to_m31_array();
        let (f0, f1) = (b2 + b2 - b3, b2 + b3 + b3);
        Self { operands: [b0, b1, b2, b3, -b1, -b3, f0, f1, -f1].map(|v| v.0 as u64) }
    }

    #[inline(always)]
    fn wide(&self, x: &PackedF) -> Wide {
        Wide::product_by(x, nine(self.operands, u64x8::splat))
    }

    /// `self * x`.
    #[inline(always)]
    pub fn times(&self, x: &PackedF) -> PackedF {
        self.wide(x).reduce()
    }

    /// `self * x + y`.
    #[inline(always)]
    pub fn mul_add(&self, x: &PackedF, y: &PackedF) -> PackedF {
        self.times(x) + *y
    }

    /// `a + self * (b - a)`.
    #[inline(always)]
    pub fn lerp(&self, a: &PackedF, b: &PackedF) -> PackedF {
        self.mul_add(&(*b - *a), a)
    }
}

/// `sum e_i * x_i` for constants e_i, reduced at the end. Holds up to `2^28` products.
#[derive(Clone, Copy, Default)]
pub struct LazyAcc(Wide);

impl LazyAcc {
    #[inline(always)]
    pub fn mac(&mut self, e: &MulConst, x: &PackedF) {
        self.0 = self.0.plus(&e.wide(x).step());
    }

    #[inline(always)]
    pub fn finish(self) -> PackedF {
        self.0.step().reduce_small()
    }
}
