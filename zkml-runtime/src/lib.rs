//! Commits, proves and verifies zkml models.
#![cfg_attr(feature = "prover", feature(portable_simd))]

pub mod pcs;
pub mod security;
pub mod transcript;
pub mod wire;
