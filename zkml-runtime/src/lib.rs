//! Commits, proves and verifies zkml models.
#![cfg_attr(feature = "prover", feature(portable_simd))]

pub mod cells;
pub mod claims;
pub mod einsum;
pub mod field;
pub mod gkr;
pub mod pcs;
pub mod protocol;
pub mod security;
pub mod transcript;
pub mod wire;
