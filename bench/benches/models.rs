//! Whole models, proof and verification: `cargo bench -p zkml-bench --bench models [-- FILTER]`.
//!
//! A model is set up when the filter selects one of its benchmarks, and dropped before the next: together they would not fit
//! into memory. Smoke runs leave those out that take long.

use criterion::{criterion_group, criterion_main, Criterion, SamplingMode};
use std::cell::OnceCell;
use std::time::Duration;
use zkml_bench::networks::{self, NetworkError};
use zkml_bench::ready::Ready;
use zkml_bench::smoke::is_smoke;

/// How long a model takes to be set up and proven.
#[derive(Clone, Copy, PartialEq)]
enum Effort {
    Small,
    /// Seconds and GiB: not in a smoke run.
    Large,
}

fn model(c: &mut Criterion, name: &str, effort: Effort, make: impl Fn() -> Result<Ready, NetworkError>) {
    if effort == Effort::Large && is_smoke() {
        return;
    }
    let ready = OnceCell::new();
    let ready = || ready.get_or_init(|| make().expect("a model that can be set up"));
    let mut group = c.benchmark_group(name);
    // Flat: every proof counts the same, and of a large model ten are enough.
    group.sample_size(10).measurement_time(Duration::from_secs(5)).sampling_mode(SamplingMode::Flat);
    group.bench_function("prove", |b| {
        let ready = ready();
        b.iter(|| ready.prove().expect("an honest proof"));
    });
    let proven = OnceCell::new();
    group.bench_function("verify", |b| {
        let ready = ready();
        let proven = proven.get_or_init(|| ready.prove().expect("an honest proof"));
        let verify = ready.verifier(proven).expect("an honest proof");
        b.iter(|| verify(proven).expect("an honest proof"));
    });
    group.finish();
}

fn models(c: &mut Criterion) {
    model(c, "mlp_digits", Effort::Small, networks::mlp_digits);
    model(c, "lenet5", Effort::Small, networks::lenet5);
    model(c, "gpt2/1_layer_16", Effort::Small, || networks::gpt2(1, 16));
    model(c, "gpt2/12_layers_64", Effort::Large, || networks::gpt2(12, 64));
    model(c, "gpt2/12_layers_256", Effort::Large, || networks::gpt2(12, 256));
    model(c, "minilm/64", Effort::Large, || networks::minilm(64));
    model(c, "smollm2/64", Effort::Large, || networks::smollm2(64));
}

criterion_group!(benches, models);
criterion_main!(benches);
