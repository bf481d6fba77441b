use std::ops::{Add, Sub};
use std::simd::u32x16;

use super::lanes::{self, add, sub, Lanes, LANES};
use super::Wide;
use crate::field::{BaseField, F, P};

/// Sixteen extension elements, coordinate by coordinate.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
pub struct PackedF(pub [Lanes; 4]);

impl PackedF {
    pub const ZERO: Self = Self([u32x16::splat(0); 4]);

    /// The same element in every lane.
    #[inline(always)]
    pub fn splat(x: F) -> Self {
        Self(x.to_m31_array().map(|m| Lanes::splat(m.0)))
    }

    /// Lane k is `x[k]`.
    pub fn from_array(x: &[F; LANES]) -> Self {
        let mut out = [[0u32; LANES]; 4];
        for (k, x) in x.iter().enumerate() {
            for (out, m) in out.iter_mut().zip(x.to_m31_array()) {
                out[k] = m.0;
            }
        }
        Self(out.map(Lanes::from_array))
    }

    /// The lanes as canonical scalars.
    pub fn to_array(&self) -> [F; LANES] {
        let words = self.0.map(|c| c.to_array().map(|v| if v == P { 0 } else { v }));
        std::array::from_fn(|k| F::from_u32_unchecked(words[0][k], words[1][k], words[2][k], words[3][k]))
    }

    /// The sum of the lanes.
    pub fn sum(&self) -> F {
        let s: [BaseField; 4] = self.0.map(lanes::sum);
        F::from_m31_array(s)
    }

    /// `self * other`.
    #[inline(always)]
    pub fn times(&self, other: &Self) -> Self {
        Wide::product(self, other).reduce()
    }
}

impl Add for PackedF {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        let a = self.0;
        Self([add(a[0], b.0[0]), add(a[1], b.0[1]), add(a[2], b.0[2]), add(a[3], b.0[3])])
    }
}

impl Sub for PackedF {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        let a = self.0;
        Self([sub(a[0], b.0[0]), sub(a[1], b.0[1]), sub(a[2], b.0[2]), sub(a[3], b.0[3])])
    }
}

/// `a * b + c * d`, reduced once.
#[inline(always)]
pub fn dot2(a: &PackedF, b: &PackedF, c: &PackedF, d: &PackedF) -> PackedF {
    Wide::product(a, b).step().plus(&Wide::product(c, d).step()).reduce_small()
}

/// Asks for `count` elements from `first` on. The hardware does not look beyond a page, and the kernels read a page in
/// less than a microsecond. Any address will do, mapped or not.
#[inline(always)]
pub fn prefetch(first: *const PackedF, count: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..4 * count {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        // SAFETY: a hint without effect on the program's state, part of every x86-64 processor.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(first.cast::<i8>().wrapping_add(64 * line)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (first, count);
}
