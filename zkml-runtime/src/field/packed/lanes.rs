use std::simd::num::{SimdInt, SimdUint};
use std::simd::{cmp::SimdOrd, u32x16, u64x8, Simd, ToBytes};

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

/// Sixteen centred bytes as field elements: a negative v is a large word, and v + p is the smaller of the two.
#[inline(always)]
pub fn of_bytes(bytes: &[i8; LANES]) -> Lanes {
    let words: Lanes = Simd::from_array(*bytes).cast::<i32>().cast();
    words.simd_min(words + MODULUS)
}

/// The sum of all lanes.
pub(super) fn sum(a: Lanes) -> BaseField {
    BaseField::reduce(a.cast::<u64>().reduce_sum())
}

/// `map` of four. Written out, as is [`nine`]: where the compiler finds `map` of an array of vectors too large to inline, each
/// product goes through memory, and takes twice as long.
#[inline(always)]
pub(super) fn four<T: Copy, U>(a: [T; 4], f: impl Fn(T) -> U) -> [U; 4] {
    [f(a[0]), f(a[1]), f(a[2]), f(a[3])]
}

#[inline(always)]
pub(super) fn nine<T: Copy, U>(a: [T; 9], f: impl Fn(T) -> U) -> [U; 9] {
    [f(a[0]), f(a[1]), f(a[2]), f(a[3]), f(a[4]), f(a[5]), f(a[6]), f(a[7]), f(a[8])]
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

/// The low and the high words of even and odd 64-bit values: `t = low + 2^32 high = low + 2 high` (mod p).
#[inline(always)]
fn split(even: u64x8, odd: u64x8) -> (Lanes, Lanes) {
    let low = words((even & LOW) | (odd << u64x8::splat(32)));
    let high = words((even >> u64x8::splat(32)) | (odd & !LOW));
    (low, high)
}

/// `v - p` if that is not negative.
#[inline(always)]
fn reduce_once(v: Lanes) -> Lanes {
    v.simd_min(v - MODULUS)
}

/// Reduces even and odd 64-bit values, each below `2^62`.
#[inline(always)]
pub(super) fn reduce_62(even: u64x8, odd: u64x8) -> Lanes {
    let (low, high) = split(even, odd);
    // low is at most p + 1 once reduced, and 2 high at most 2^31 - 2 = p - 1: together at most 2p.
    reduce_once(reduce_once(low) + (high + high))
}

/// Reduces even and odd 64-bit values, each at most `4 p^2 = 2^32 (2^32 - 4) + 4`.
#[inline(always)]
pub(super) fn reduce_64(even: u64x8, odd: u64x8) -> Lanes {
    let (low, high) = split(even, odd);
    // high <= 2^32 - 4 is at most p - 1 once reduced, and so is its reduced double.
    let high = reduce_once(high);
    reduce_once(reduce_once(low) + reduce_once(high + high))
}
