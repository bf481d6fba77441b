//! The named target: a product of (32 x 768) and (768 x 3072) in 8 bits, proven with its opening, on one thread. Weights are
//! committed before. Elements are multiply-adds.

use criterion::{Criterion, SamplingMode, Throughput};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::time::Duration;
use zkml_bench::ops::TARGET_MATMUL;

/// Everything that is timed in here runs on one thread, whatever the machine has.
pub fn one_thread() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(1).build().expect("one thread")
}

pub fn bench(c: &mut Criterion) {
    let pool = one_thread();
    let mut group = c.benchmark_group("target");
    group.sample_size(10).measurement_time(Duration::from_secs(10)).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(TARGET_MATMUL.elements));
    let ready = std::cell::OnceCell::new();
    group.bench_function(format!("{}/1_thread", TARGET_MATMUL.name), |b| {
        let ready = ready.get_or_init(|| pool.install(|| TARGET_MATMUL.ready()).expect("a product"));
        pool.install(|| b.iter(|| ready.prove().expect("an honest proof")));
    });
    group.finish();
}
