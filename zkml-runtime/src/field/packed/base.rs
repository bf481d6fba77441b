use std::simd::u64x8;

use super::lanes::{four, Lanes, LANES};
use super::{PackedF, Wide};
use crate::field::{BaseField, F};

/// A vector of a column, which has no more than four-byte alignment.
///
/// Reading the field is one unaligned load. `Lanes::from_slice` copies a `[u32; 16]`, which compiles to two halves
/// stored to the stack and a load that must wait for both.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
pub struct ColumnLanes(Lanes);

impl ColumnLanes {
    #[inline(always)]
    pub fn get(self) -> Lanes {
        self.0
    }
}

/// A column as vectors, and the entries after the last whole one.
#[inline(always)]
pub fn column_lanes(column: &[BaseField]) -> (&[ColumnLanes], &[BaseField]) {
    let (whole, rest) = column.split_at(column.len() - column.len() % LANES);
    // SAFETY: `BaseField` is a transparent `u32`, sixteen of which are the `Lanes` in a `ColumnLanes`, of alignment 4.
    let vectors = unsafe { std::slice::from_raw_parts(whole.as_ptr().cast(), whole.len() / LANES) };
    (vectors, rest)
}

/// `c + sum e_j * x_j` over base vectors x_j, constants c and e_j: one reduction for up to three terms.
#[derive(Clone, Copy)]
pub struct BaseAcc {
    wide: Wide,
    pending: u32,
}

impl BaseAcc {
    /// `c` and the `e` of [`BaseAcc::mac`] are the coordinates of an element, words at most p.
    #[inline(always)]
    pub fn new(c: &[u64; 4]) -> Self {
        Self { wide: Wide::constant(four(*c, u64x8::splat)), pending: 0 }
    }

    /// The coordinates of an element.
    pub fn coords(x: F) -> [u64; 4] {
        x.to_m31_array().map(|m| m.0 as u64)
    }

    #[inline(always)]
    pub fn mac(&mut self, e: &[u64; 4], x: Lanes) {
        // A constant or what a step leaves is below 2^34: with 3 p^2 it stays below the 4 p^2 of a reduction.
        if self.pending == 3 {
            self.wide = self.wide.step();
            self.pending = 0;
        }
        self.wide.add_base(four(*e, u64x8::splat), x);
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
    let (vectors, rest) = column_lanes(column);
    let mut total = Wide::default();
    let (groups, _) = vectors.as_chunks::<4>();
    for (e, x) in e.chunks_exact(4).zip(groups) {
        let mut group = Wide::default();
        for (e, x) in e.iter().zip(x) {
            group.add_lanes(e, x.get());
        }
        total = total.plus(&group.step());
    }
    let mut one = |e: &PackedF, x: Lanes| {
        let mut one = Wide::default();
        one.add_lanes(e, x);
        total = total.plus(&one.step());
    };
    for k in groups.len() * 4..vectors.len() {
        one(&e[k], vectors[k].get());
    }
    if !rest.is_empty() {
        let mut last = [0; LANES];
        last.iter_mut().zip(rest).for_each(|(w, x)| *w = x.0);
        one(&e[vectors.len()], Lanes::from_array(last));
    }
    total.step().reduce_small().sum()
}
