//! What proofs are made of: `cargo bench -p zkml-bench --bench primitives [-- FILTER]`.

#![feature(portable_simd)]

mod primitives {
    pub mod einsum;
    pub mod field;
    pub mod lookups;
    pub mod machine;
    pub mod opening;
    pub mod target;
}

use criterion::{criterion_group, criterion_main};
use primitives::{einsum, field, lookups, machine, opening, target};

criterion_group!(
    benches,
    machine::bench,
    field::bench,
    opening::bench,
    lookups::bench,
    einsum::bench,
    target::bench
);
criterion_main!(benches);
