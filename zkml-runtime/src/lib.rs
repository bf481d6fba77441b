//! Commits, proves and verifies zkml models.
//!
//! * [`artifact`]: keys and proofs as files, and the verifier that reads them;
//! * [`protocol`]: the whole argument, `System`, `prove`, `verify`;
//! * [`einsum`], [`gkr`], [`pcs`]: its three parts;
//! * [`claims`], [`cells`]: linear claims on tensors as they are stored;
//! * `probe`: how fast this machine is at them, with the feature `prover`;
//! * [`field`], [`transcript`], [`wire`], [`security`]: what all of them stand on.
#![cfg_attr(feature = "prover", feature(portable_simd))]

pub mod artifact;
mod atomic;
pub mod cells;
pub mod claims;
pub mod einsum;
pub mod field;
pub mod gkr;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod no_randomness;
pub mod pcs;
#[cfg(feature = "prover")]
pub mod probe;
pub mod protocol;
pub mod security;
pub mod transcript;
pub mod wire;

pub use atomic::atomic_write;
