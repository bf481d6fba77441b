//! The proof of one op each, at the sizes that networks have: `cargo bench -p zkml-bench --bench ops [-- FILTER]`.

use criterion::{criterion_group, criterion_main, Criterion, SamplingMode, Throughput};
use std::cell::OnceCell;
use std::time::Duration;
use zkml_bench::ops::OPS;

fn ops(c: &mut Criterion) {
    let mut group = c.benchmark_group("prove");
    // Flat: every proof counts the same, and so does its proof of work.
    group.sample_size(10).measurement_time(Duration::from_secs(5)).sampling_mode(SamplingMode::Flat);
    for op in OPS {
        // Criterion calls the closure several times, and not at all if the filter leaves the benchmark out.
        let ready = OnceCell::new();
        group.throughput(Throughput::Elements(op.elements));
        group.bench_function(op.name, |b| {
            let ready = ready.get_or_init(|| op.ready().expect("a model of one op"));
            b.iter(|| ready.prove().expect("an honest proof"));
        });
    }
    group.finish();
}

criterion_group!(benches, ops);
criterion_main!(benches);
