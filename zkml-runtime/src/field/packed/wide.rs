use std::simd::u64x8;

use super::lanes::{add, even, four, mul, neg, nine, odd, reduce_62, reduce_64, step, sub, Lanes};
use super::PackedF;

/// Sixteen extension elements before reduction: four coordinates of 64-bit values, even and odd lanes apart.
#[derive(Clone, Copy, Default)]
pub struct Wide {
    even: [u64x8; 4],
    odd: [u64x8; 4],
}

/// The right operand of a product, `[b0, b1, b2, b3, -b1, -b3, f0, f1, -f1]`.
#[inline(always)]
pub(super) fn operands(b: &PackedF) -> [Lanes; 9] {
    let [b0, b1, b2, b3] = b.0;
    let f0 = sub(add(b2, b2), b3);
    let f1 = add(b2, add(b3, b3));
    [b0, b1, b2, b3, neg(b1), neg(b3), f0, f1, neg(f1)]
}

/// The four sums of four products in the module's equation.
#[inline(always)]
fn rows(a: [u64x8; 4], b: [u64x8; 9]) -> [u64x8; 4] {
    let [b0, b1, b2, b3, nb1, nb3, f0, f1, nf1] = b;
    let row = |x: [u64x8; 4]| (mul(a[0], x[0]) + mul(a[1], x[1])) + (mul(a[2], x[2]) + mul(a[3], x[3]));
    [row([b0, nb1, f0, nf1]), row([b1, b0, f1, f0]), row([b2, nb3, b0, nb1]), row([b3, b2, b1, b0])]
}

/// `s + e * x`, coordinate by coordinate.
#[inline(always)]
fn plus_products(s: [u64x8; 4], e: [u64x8; 4], x: u64x8) -> [u64x8; 4] {
    [s[0] + mul(e[0], x), s[1] + mul(e[1], x), s[2] + mul(e[2], x), s[3] + mul(e[3], x)]
}

impl Wide {
    /// `a * b`, each value at most `4 p^2`: nothing may be added before [`Wide::step`].
    #[inline(always)]
    pub fn product(a: &PackedF, b: &PackedF) -> Self {
        let b = operands(b);
        Self { even: rows(four(a.0, even), nine(b, even)), odd: rows(four(a.0, odd), nine(b, odd)) }
    }

    /// The same for a right operand that is one constant in every lane.
    #[inline(always)]
    pub(super) fn product_by(a: &PackedF, b: [u64x8; 9]) -> Self {
        Self { even: rows(four(a.0, even), b), odd: rows(four(a.0, odd), b) }
    }

    /// Adds `e * x` for one constant e in every lane: at most `p^2` a call, so four calls from zero or three after a step.
    #[inline(always)]
    pub(super) fn add_base(&mut self, e: [u64x8; 4], x: Lanes) {
        let (xe, xo) = (even(x), odd(x));
        (self.even, self.odd) = (plus_products(self.even, e, xe), plus_products(self.odd, e, xo));
    }

    /// Adds `e * x` lane by lane, with the same bound.
    #[inline(always)]
    pub(super) fn add_lanes(&mut self, e: &PackedF, x: Lanes) {
        let (xe, xo) = (even(x), odd(x));
        self.even = plus_products(self.even, four(e.0, even), xe);
        self.odd = plus_products(self.odd, four(e.0, odd), xo);
    }

    /// One constant in every lane.
    #[inline(always)]
    pub(super) fn constant(e: [u64x8; 4]) -> Self {
        Self { even: e, odd: e }
    }

    /// Brings every value below `2^31 + 2^33`: then `2^28` such may be added.
    #[inline(always)]
    pub fn step(self) -> Self {
        Self { even: four(self.even, step), odd: four(self.odd, step) }
    }

    /// The sum, if no value overflows.
    #[inline(always)]
    pub fn plus(mut self, other: &Self) -> Self {
        for c in 0..4 {
            self.even[c] += other.even[c];
            self.odd[c] += other.odd[c];
        }
        self
    }

    /// Reduces values up to `4 p^2`, those of a product.
    #[inline(always)]
    pub fn reduce(self) -> PackedF {
        let f = |c: usize| reduce_64(self.even[c], self.odd[c]);
        PackedF([f(0), f(1), f(2), f(3)])
    }

    /// Reduces values below `2^62`, a little faster.
    #[inline(always)]
    pub fn reduce_small(self) -> PackedF {
        let f = |c: usize| reduce_62(self.even[c], self.odd[c]);
        PackedF([f(0), f(1), f(2), f(3)])
    }
}
