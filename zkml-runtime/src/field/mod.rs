//! Field arithmetic shared by the protocols.
//!
//! * [`eq()`] and what belongs to it: the equality polynomial and its sums, plain scalars, as the verifier needs them.
//! * `packed` (feature `prover`): vector kernels over Mersenne-31 and its degree-four extension.
//! * `pool` (feature `prover`): buffers of packed elements that are reused instead of returned to the system.
//!
//! Conventions: `point[0]` is the most significant bit of an index. An extension element is `a + b i + (c + d i) u`
//! with `i^2 = -1` and `u^2 = 2 + i`, its coordinates in the order `[a, b, c, d]`.

mod eq;
#[cfg(feature = "prover")]
pub mod packed;
#[cfg(feature = "prover")]
pub mod pool;
mod scalar;

pub use eq::{eq, eq_bit, eq_index, eq_prefixes, eq_table, prefix_eq_sum};
pub use scalar::{is_canonical, lerp, pow2, powers};

pub use stwo::core::fields::m31::BaseField;
/// A challenge or any other element of the 124-bit extension.
pub type F = stwo::core::fields::qm31::SecureField;
/// The modulus, 2^31 - 1.
pub const P: u32 = stwo::core::fields::m31::P;
