//! Lookups a second of the LogUp argument by GKR, on one thread: columns x -> x^2 in a table.

use criterion::{Criterion, Throughput};
use std::time::Duration;
use zkml_runtime::field::{powers, BaseField, F};
use zkml_runtime::gkr::{prove, GkrProof, LeafBlock, TableBlock};
use zkml_runtime::transcript::Transcript;

/// Rows of a block and of the table.
const LOG_ROWS: u32 = 16;

pub fn bench(c: &mut Criterion) {
    let pool = super::target::one_thread();
    let mut group = c.benchmark_group("gkr");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for log_lookups in [18u32, 20] {
        group.throughput(Throughput::Elements(1 << log_lookups));
        group.bench_function(format!("lookups/2^{log_lookups}"), |bench| {
            let made = Made::new(1 << (log_lookups - LOG_ROWS));
            pool.install(|| bench.iter(|| made.prove()));
        });
    }
    group.finish();
}

struct Made {
    table: [Vec<BaseField>; 2],
    blocks: Vec<[Vec<BaseField>; 2]>,
    multiplicity: Vec<BaseField>,
}

impl Made {
    fn new(blocks: usize) -> Self {
        let size = 1usize << LOG_ROWS;
        let base = |x: usize| BaseField::from((x % size) as u32);
        let with_squares = |x: Vec<BaseField>| {
            let y = x.iter().map(|&x| x * x).collect();
            [x, y]
        };
        let mut multiplicity = vec![BaseField::from(0); size];
        // Steps of an odd constant go through the whole table in no cache-friendly order.
        let block = |b: usize| {
            let x: Vec<BaseField> = (0..size).map(|i| base(i * 2_654_435_761 + b * 40_503)).collect();
            x.iter().for_each(|x| multiplicity[x.0 as usize] += BaseField::from(1));
            with_squares(x)
        };
        let blocks = (0..blocks).map(block).collect();
        Self { table: with_squares((0..size).map(base).collect()), blocks, multiplicity }
    }

    fn prove(&self) -> GkrProof {
        let mut t = Transcript::default();
        let (alpha, beta) = (t.draw(), t.draw());
        let weights = powers(beta, 2);
        let lookups: Vec<_> = self.blocks.iter().map(|b| leaves(b, alpha, &weights)).collect();
        let tables =
            [TableBlock { leaves: leaves(&self.table, alpha, &weights), multiplicity: &self.multiplicity }];
        prove(&mut t, &lookups, &tables).expect("an honest statement").0
    }
}

fn leaves<'a>([x, y]: &'a [Vec<BaseField>; 2], alpha: F, weights: &[F]) -> LeafBlock<'a> {
    LeafBlock {
        log_len: LOG_ROWS,
        constant: alpha,
        columns: vec![(weights[0], x), (weights[1], y)],
        bytes: vec![],
    }
}
