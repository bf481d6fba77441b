//! What a sumcheck reads: arrays of N values an item, stored or computed when they are read.

use super::leaves::Leaves;
use super::prefix::{stored, Prefix, Scratch};
use super::tree::LeafPairs;
use crate::field::packed::{dot2, prefetch, MulConst, PackedF};
use crate::field::F;

/// Consecutive items, ready to be read.
pub(super) trait View<const N: usize> {
    fn load(&self, i: usize) -> [PackedF; N];

    /// The gate's polynomial between items 2i and 2i + 1: its value at 0 and its leading coefficient.
    fn gates(&self, i: usize) -> [PackedF; 2];

    /// Items 2i and 2i + 1, at r.
    fn fold_into(&self, i: usize, r: &MulConst, out: &mut [PackedF; N]);
}

/// Items of which all but a prefix are equal.
pub(super) trait Source<const N: usize>: Sync {
    type View<'a>: View<N>
    where
        Self: 'a;

    /// Items in the prefix: all there are, or a multiple of four.
    fn stored(&self) -> usize;
    fn log_items(&self) -> u32;
    fn tail(&self) -> [F; N];
    fn view<'a>(&'a self, first: usize, count: usize, scratch: &'a mut Scratch) -> Self::View<'a>;
}

/// The gate `(d0 + mu)(d1 + mu)` on two values, `n0 d1 + n1' d0` on `[n0, n1', d0, d1]`, as [`View::gates`].
///
/// Written out and by reference: an item is up to a kilobyte, and passed by value it is copied through memory.
#[inline(always)]
pub(super) fn gates<const N: usize>(a: &[PackedF; N], b: &[PackedF; N]) -> [PackedF; 2] {
    match (a.as_slice(), b.as_slice()) {
        ([a0, a1], [b0, b1]) => [a0.times(a1), (*b0 - *a0).times(&(*b1 - *a1))],
        ([n0, n1, d0, d1], [m0, m1, e0, e1]) => {
            [dot2(n0, d1, n1, d0), dot2(&(*m0 - *n0), &(*e1 - *d1), &(*m1 - *n1), &(*e0 - *d0))]
        }
        _ => unreachable!("gates read two or four values"),
    }
}

/// Prefetches the group after next of a sequence of groups.
#[inline(always)]
pub(super) fn ahead<const N: usize, const M: usize>(group: &[[PackedF; N]; M]) {
    let next = std::ptr::from_ref(group).wrapping_add(2);
    prefetch(next.cast(), N * M);
}

/// The gate on scalars.
pub fn gate_scalar<const N: usize>(v: &[F; N]) -> F {
    match *v.as_slice() {
        [a, b] => a * b,
        [n0, n1, d0, d1] => n0 * d1 + n1 * d0,
        _ => unreachable!("gates read two or four values"),
    }
}

/// The lookup tree's leaves. With `mu = 1 / lambda` their gate is one product:
///
/// ```text
/// d0 + d1 + lambda d0 d1 = lambda (d0 + mu)(d1 + mu) - mu
/// ```
pub(super) struct LeafSource<'a> {
    /// `d + mu`
    pub leaves: Leaves<'a>,
}

impl Source<2> for LeafSource<'_> {
    type View<'b>
        = &'b [[PackedF; 2]]
    where
        Self: 'b;

    fn stored(&self) -> usize {
        stored(self.leaves.live().div_ceil(2), self.log_items())
    }
    fn log_items(&self) -> u32 {
        self.leaves.log_vectors - 1
    }
    fn tail(&self) -> [F; 2] {
        [self.leaves.tail; 2]
    }
    fn view<'b>(&'b self, first: usize, count: usize, scratch: &'b mut Scratch) -> &'b [[PackedF; 2]] {
        self.leaves.view(2 * first, 2 * count, scratch).as_chunks().0
    }
}

/// Two neighbouring fractions of a layer as `[n0, n1', d0, d1]`. With `n1' = n1 + lambda d1`, itself multilinear,
///
/// ```text
/// n0 d1 + n1 d0 + lambda d0 d1 = n0 d1 + n1' d0
/// ```
pub(super) struct LayerSource<'a> {
    pub layer: &'a Prefix<2>,
    pub lambda: F,
}

pub(super) struct LayerView<'a> {
    fractions: &'a [[PackedF; 2]],
    lambda: MulConst,
}

impl Source<4> for LayerSource<'_> {
    type View<'b>
        = LayerView<'b>
    where
        Self: 'b;

    fn stored(&self) -> usize {
        self.layer.items().len() / 2
    }
    fn log_items(&self) -> u32 {
        self.layer.log_items - 1
    }
    fn tail(&self) -> [F; 4] {
        let [n, d] = self.layer.tail;
        [n, n + self.lambda * d, d, d]
    }
    fn view<'b>(&'b self, first: usize, count: usize, _: &'b mut Scratch) -> LayerView<'b> {
        let fractions = &self.layer.items()[2 * first..2 * (first + count)];
        LayerView { fractions, lambda: MulConst::new(self.lambda) }
    }
}

/// The same of the layer above the lookup tree's leaves, which is not stored.
pub(super) struct PairSource<'a> {
    pub pairs: LeafPairs<'a>,
    pub lambda: F,
}

impl Source<4> for PairSource<'_> {
    type View<'b>
        = LayerView<'b>
    where
        Self: 'b;

    fn stored(&self) -> usize {
        stored(self.pairs.leaves.live().div_ceil(2), self.log_items() + 1) / 2
    }
    fn log_items(&self) -> u32 {
        self.pairs.leaves.log_vectors - 2
    }
    fn tail(&self) -> [F; 4] {
        let [n, d] = self.pairs.tail();
        [n, n + self.lambda * d, d, d]
    }
    fn view<'b>(&'b self, first: usize, count: usize, scratch: &'b mut Scratch) -> LayerView<'b> {
        let fractions = self.pairs.view(2 * first, 2 * count, scratch);
        LayerView { fractions, lambda: MulConst::new(self.lambda) }
    }
}

impl View<4> for LayerView<'_> {
    #[inline(always)]
    fn load(&self, i: usize) -> [PackedF; 4] {
        let [[n0, d0], [n1, d1]] = [self.fractions[2 * i], self.fractions[2 * i + 1]];
        [n0, self.lambda.mul_add(&d1, &n1), d0, d1]
    }
    #[inline(always)]
    fn gates(&self, i: usize) -> [PackedF; 2] {
        let group = &self.fractions.as_chunks().0[i];
        ahead(group);
        let [[n0, d0], [n1, d1], [m0, e0], [m1, e1]] = group;
        let first = dot2(n0, d1, &self.lambda.mul_add(d1, n1), d0);
        let d1 = *e1 - *d1;
        let n1 = self.lambda.mul_add(&d1, &(*m1 - *n1));
        [first, dot2(&(*m0 - *n0), &d1, &n1, &(*e0 - *d0))]
    }
    /// Folds before it multiplies by lambda: one product for two items.
    #[inline(always)]
    fn fold_into(&self, i: usize, r: &MulConst, out: &mut [PackedF; 4]) {
        let group = &self.fractions.as_chunks().0[i];
        ahead(group);
        let [[n0, d0], [n1, d1], [m0, e0], [m1, e1]] = group;
        out[0] = r.lerp(n0, m0);
        out[2] = r.lerp(d0, e0);
        let d1 = r.lerp(d1, e1);
        out[1] = self.lambda.mul_add(&d1, &r.lerp(n1, m1));
        out[3] = d1;
    }
}

impl<const N: usize> Source<N> for Prefix<N> {
    type View<'b>
        = &'b [[PackedF; N]]
    where
        Self: 'b;

    fn stored(&self) -> usize {
        self.items().len()
    }
    fn log_items(&self) -> u32 {
        self.log_items
    }
    fn tail(&self) -> [F; N] {
        self.tail
    }
    fn view<'b>(&'b self, first: usize, count: usize, _: &'b mut Scratch) -> &'b [[PackedF; N]] {
        &self.items()[first..first + count]
    }
}

impl<const N: usize> View<N> for &[[PackedF; N]] {
    #[inline(always)]
    fn load(&self, i: usize) -> [PackedF; N] {
        self[i]
    }
    #[inline(always)]
    fn gates(&self, i: usize) -> [PackedF; 2] {
        gates(&self[2 * i], &self[2 * i + 1])
    }
    #[inline(always)]
    fn fold_into(&self, i: usize, r: &MulConst, out: &mut [PackedF; N]) {
        let group = &self.as_chunks::<2>().0[i];
        ahead(group);
        let [a, b] = group;
        for t in 0..N {
            out[t] = r.lerp(&a[t], &b[t]);
        }
    }
}
