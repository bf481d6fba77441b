//! Arithmetic, sixteen lanes at a time, on one thread. Elements are field operations.

use criterion::{BatchSize, Criterion, Throughput};
use std::hint::black_box;
use zkml_bench::seeded::Stream;
use zkml_runtime::field::packed::{dot_base, BaseAcc, Lanes, PackedF, LANES};
use zkml_runtime::field::{BaseField, F, P};

/// 16 KiB of base field, 64 KiB of extension: they stay in the second level cache, as the prover's blocks do.
const VECTORS: usize = 1 << 8;

fn word(s: &mut Stream) -> u32 {
    s.below(u64::from(P)) as u32
}

fn felt(s: &mut Stream) -> F {
    F::from_m31_array(std::array::from_fn(|_| BaseField::from(word(s))))
}

fn packed(s: &mut Stream) -> PackedF {
    PackedF::from_array(&std::array::from_fn(|_| felt(s)))
}

/// A coordinate of sixteen elements: sixteen elements of the base field.
fn lanes(s: &mut Stream) -> Lanes {
    packed(s).0[0]
}

pub fn bench(c: &mut Criterion) {
    let mut s = Stream::new(1);
    let mut group = c.benchmark_group("field");
    let elements = (VECTORS * LANES) as u64;
    group.throughput(Throughput::Elements(elements));
    let (a, b): (Vec<PackedF>, Vec<PackedF>) = (0..VECTORS).map(|_| (packed(&mut s), packed(&mut s))).unzip();
    group.bench_function("qm31_mul", |bench| {
        let multiply = |mut out: Vec<PackedF>| {
            out.iter_mut().zip(&b).for_each(|(x, y)| *x = x.times(y));
            out
        };
        bench.iter_batched(|| a.clone(), multiply, BatchSize::SmallInput);
    });
    group.bench_function("dot_base", |bench| {
        let column: Vec<BaseField> = (0..VECTORS * LANES).map(|_| BaseField::from(word(&mut s))).collect();
        bench.iter(|| dot_base(black_box(&a), black_box(&column)));
    });
    // One challenge times sixteen cells, added up: four multiply-adds of M31 for each.
    group.throughput(Throughput::Elements(4 * elements));
    group.bench_function("m31_mac", |bench| {
        let (e, cells): (Vec<F>, Vec<Lanes>) = (0..VECTORS).map(|_| (felt(&mut s), lanes(&mut s))).unzip();
        let e: Vec<[u64; 4]> = e.into_iter().map(BaseAcc::coords).collect();
        bench.iter(|| {
            let mut acc = BaseAcc::new(&[0; 4]);
            black_box(&e).iter().zip(black_box(&cells)).for_each(|(e, &x)| acc.mac(e, x));
            acc.finish()
        });
    });
    group.finish();
}
