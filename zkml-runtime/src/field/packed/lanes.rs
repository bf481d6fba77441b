use std::simd::num::SimdUint;
use std::simd::{cmp::SimdOrd, u32x16, u64x8, ToBytes};

use crate::field::{BaseField, P};

/// Sixteen base field elements.
pub type Lanes = u32x16;
/// Elements in a vector.
pub const LANES: usize = 16;
/// log2 of [`LANES`].
pub const LOG_LANES: u32 = 4;

pub(super) const MODULUS: Lanes = u32x16::splat(P);
const LOW: u64x8 = u64x8::splat(0xffff_ffff);

/// `a + b`: of the sum and the sum less p, one wrapped around and the smaller is right.
#[inline(always)]
pub fn add(a: Lanes, b: Lanes) -> Lanes {
    let c = a + b;
    c.simd_min(c - MODULUS)
}

/// `a - b`, alike.
#[inline(always)]
pub fn sub(a: Lanes, b: Lanes) -> Lanes {
    let c = a - b;
    c.simd_min(c + MODULUS)
}

/// `-a`.
#[inline(always)]
pub fn neg(a: Lanes) -> Lanes {
    MODULUS - a
}

/// The sum of all lanes.
pub(super) fn sum(a: Lanes) -> BaseField {
    BaseField::reduce(a.cast::<u64>().reduce_sum())
}

/// The even words, each in the low half of a 64-bit lane; the high halves hold the odd words, which [`mul`] ignores.
#[inline(always)]
pub(super) fn even(v: Lanes) -> u64x8 {
    u64x8::from_le_bytes(v.to_le_bytes())
}

/// The odd words, each in the low half of a 64-bit lane.
#[inline(always)]
pub(super) fn odd(v: Lanes) -> u64x8 {
    even(v) >> u64x8::splat(32)
}

/// Products of the low halves. Compiles to one widening multiplication.
#[inline(always)]
pub(super) fn mul(a: u64x8, b: u64x8) -> u64x8 {
    (a & LOW) * (b & LOW)
}

#[inline(always)]
fn words(v: u64x8) -> Lanes {
    Lanes::from_le_bytes(v.to_le_bytes())
}

/// One Mersenne step, `t mod 2^31 + floor(t / 2^31)`: any t becomes less than `2^31 + 2^33`, and a t below `2^k` less
/// than `2^31 + 2^(k - 31)`.
#[inline(always)]
pub(super) fn step(t: u64x8) -> u64x8 {
    (t & u64x8::splat(P as u64)) + (t >> u64x8::splat(31))
}

/// Reduces even and odd 64-bit values, each below `2^62`.
#[inline(always)]
pub(super) fn reduce_62(even: u64x8, odd: u64x8) -> Lanes {
    // At most p + 2^31 after the step, so it fits a word, and two subtractions are enough.
    let (e, o) = (step(even), step(odd));
    let v = words(e | (o << u64x8::splat(32)));
    let v = v.simd_min(v - MODULUS);
    v.simd_min(v - MODULUS)
}

/// Reduces even and odd 64-bit values, whatever they are.
///
/// `t = low + 2^32 high = low + 2 high` (mod p): cut both at bit 31, add the low parts, then the few high bits.
#[inline(always)]
pub(super) fn reduce_64(even: u64x8, odd: u64x8) -> Lanes {
    let low = words((even & LOW) | (odd << u64x8::splat(32)));
    let high = words((even >> u64x8::splat(32)) | (odd & !LOW));
    let sum = (low & MODULUS) + ((high + high) & MODULUS);
    let sum = sum.simd_min(sum - MODULUS);
    let carry = (low >> Lanes::splat(31)) + (high >> Lanes::splat(30));
    let sum = sum + carry; // at most p + 4
    sum.simd_min(sum - MODULUS)
}
