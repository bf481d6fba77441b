//! What bounds the phases of a proof from below: reading memory, hashing, multiplying integers; on one thread.

use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::simd::u32x16;
use stwo::prover::backend::simd::blake2s::hash_16;

/// Larger than any cache.
const WORDS: usize = 1 << 25;
/// Operands of an integer product that stay in the first-level cache.
const INTS: usize = 1 << 12;

pub fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("machine");
    let words: Vec<u64> = (0..WORDS as u64).collect();
    group.throughput(Throughput::Bytes(8 * WORDS as u64));
    group.sample_size(20).bench_function("read", |b| {
        b.iter(|| black_box(&words).iter().fold(0u64, |s, &w| s.wrapping_add(w)));
    });
    // A block of sixteen messages.
    let message: [u32x16; 16] = std::array::from_fn(|i| u32x16::splat(i as u32));
    group.throughput(Throughput::Bytes(64 * 16));
    group.bench_function("blake2s", |b| b.iter(|| hash_16(black_box(message), 64)));
    let ints: [Vec<i16>; 2] = [3, 5].map(|m| (0..INTS).map(|i| (i * m % 251) as i16 - 125).collect());
    group.throughput(Throughput::Elements(INTS as u64));
    group.bench_function("dot_i16", |b| {
        b.iter(|| {
            let [x, y] = black_box(&ints);
            x.iter().zip(y).fold(0i32, |s, (&x, &y)| s.wrapping_add(i32::from(x) * i32::from(y)))
        });
    });
    group.finish();
}
