//! Commits, proves and verifies zkml models.
#![cfg_attr(feature = "prover", feature(portable_simd))]

pub mod field;
pub mod gkr;
pub mod transcript;
