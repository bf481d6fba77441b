use std::simd::u64x8;

use super::lanes::{Lanes, LANES};
use super::{PackedF, Wide};
use crate::field::{BaseField, F};

/// The words of a column. They need no more than four-byte alignment.
#[inline(always)]
pub fn base_words(column: &[BaseField]) -> &[u32] {
    // SAFETY: `BaseField` is a transparent `u32`.
    unsafe { std::slice::from_raw_parts(column.as_ptr().cast(), column.len()) }
}

/// `c + sum e_j * x_j` over base vectors x_j, constants c and e_j: one reduction for up to four terms.
#[derive(Clone, Copy)]
pub struct BaseAcc {
    wide: Wide,
    pending: u32,
}

impl BaseAcc {
    /// `c` and the `e` of [`BaseAcc::mac`] are the coordinates of an element, words at most p.
    #[inline(always)]
    pub fn new(c: &[u64; 4]) -> Self {
        Self { wide: Wide::constant(c.map(u64x8::splat)), pending: 0 }
    }

    /// The coordinates of an element.
    pub fn coords(x: F) -> [u64; 4] {
        x.to_m31_array().map(|m| m.0 as u64)
    }

    #[inline(always)]
    pub fn mac(&mut self, e: &[u64; 4], x: Lanes) {
        // A constant or what a step leaves is below 2^33 + 2^31, and 4 p^2 = 2^64 - 2^34 + 4.
        if self.pending == 4 {
            self.wide = self.wide.step();
            self.pending = 0;
        }
        self.wide.add_base(e.map(u64x8::splat), x);
        self.pending += 1;
    }

    #[inline(always)]
    pub fn finish(self) -> PackedF {
        self.wide.reduce()
    }
}

/// `sum e_i * x_i` where entry k of the column is lane `k % 16` of `e[k / 16]`. A last part of the column shorter
/// than a vector counts as padded with zeros.
pub fn dot_base(e: &[PackedF], column: &[BaseField]) -> F {
    assert_eq!(e.len(), column.len().div_ceil(LANES), "one weight for each entry");
    let (vectors, rest) = base_words(column).as_chunks::<LANES>();
    let mut total = Wide::default();
    let (groups, _) = vectors.as_chunks::<4>();
    for (e, x) in e.chunks_exact(4).zip(groups) {
        let mut group = Wide::default();
        for k in 0..4 {
            group.add_lanes(&e[k], Lanes::from_array(x[k]));
        }
        total = total.plus(&group.step());
    }
    for k in groups.len() * 4..vectors.len() {
        let mut one = Wide::default();
        one.add_lanes(&e[k], Lanes::from_array(vectors[k]));
        total = total.plus(&one.step());
    }
    if !rest.is_empty() {
        let mut last = [0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let mut one = Wide::default();
        one.add_lanes(&e[vectors.len()], Lanes::from_array(last));
        total = total.plus(&one.step());
    }
    total.step().reduce_small().sum()
}
