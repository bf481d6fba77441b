//! What proofs are made of: `cargo bench -p zkml-bench --bench primitives [-- FILTER]`.

mod primitives {
    pub mod einsum;
    pub mod field;
    pub mod lookups;
    pub mod opening;
    pub mod target;
}

use criterion::{criterion_group, criterion_main};
use primitives::{einsum, field, lookups, opening, target};

criterion_group!(benches, field::bench, opening::bench, lookups::bench, einsum::bench, target::bench);
criterion_main!(benches);
