//! Sixteen field elements at a time, in portable SIMD.
//!
//! Lanes hold words in `[0, p]`, so p stands for zero as well: every kernel accepts and may return it, and
//! conversions to scalars make it 0.
//!
//! A product in the extension is a 4 x 4 matrix of 32 x 32 -> 64 bit products, whose rows of four are summed before
//! any reduction: `4 p^2 < 2^64`. With `b = [b0, b1, b2, b3]` and `[f0, f1] = (2 + i)(b2 + b3 i)`
//!
//! ```text
//! (a b)_0 = a0 b0 - a1 b1 + a2 f0 - a3 f1
//! (a b)_1 = a0 b1 + a1 b0 + a2 f1 + a3 f0
//! (a b)_2 = a0 b2 - a1 b3 + a2 b0 - a3 b1
//! (a b)_3 = a0 b3 + a1 b2 + a2 b1 + a3 b0
//! ```
//!
//! SIMD multiplies 32-bit words from 64-bit lanes, so even and odd words are worked on apart ([`Wide`]) and meet
//! again in the reduction. stwo's packed operators reduce each of nine Karatsuba products and are not `#[inline]`.

mod base;
mod constant;
mod lanes;
mod packed_f;
mod wide;

pub use base::{column_lanes, dot_base, BaseAcc, ColumnLanes};
pub use constant::{LazyAcc, MulConst};
pub use lanes::{add, neg, of_bytes, sub, Lanes, LANES, LOG_LANES};
pub use packed_f::{dot2, prefetch, PackedF};
pub use wide::Wide;

#[cfg(test)]
mod tests;
