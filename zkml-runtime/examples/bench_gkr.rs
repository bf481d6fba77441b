//! Lookups a second of the LogUp prover: `cargo run --release --example bench_gkr -- [log2 lookups] [runs] [threads]`.

use std::time::Instant;

use stwo::core::fields::m31::BaseField;
use zkml_runtime::field::{powers, F};
use zkml_runtime::gkr::{prove, verify, GkrShape, LeafBlock, TableBlock};
use zkml_runtime::transcript::Transcript;

/// Rows of a block and of a table, as for small models.
const LOG_ROWS: u32 = 16;

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a number"));
    let log_lookups = args.next().unwrap_or(21) as u32;
    let runs = args.next().unwrap_or(5);
    let threads = args.next().unwrap_or(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
    pool.install(|| bench(log_lookups, runs, threads));
}

fn bench(log_lookups: u32, runs: usize, threads: usize) {
    let log_rows = LOG_ROWS.min(log_lookups);
    let blocks = 1usize << (log_lookups - log_rows);
    let size = 1usize << log_rows;
    // The table is x -> x^2; block b looks up a pseudo-random walk through it.
    let base = |x: usize| BaseField::from((x % size) as u32);
    let square = |x: BaseField| x * x;
    let table_x: Vec<BaseField> = (0..size).map(base).collect();
    let table_y: Vec<BaseField> = table_x.iter().copied().map(square).collect();
    let mut multiplicity = vec![BaseField::from(0); size];
    let columns: Vec<[Vec<BaseField>; 2]> = (0..blocks)
        .map(|b| {
            let x: Vec<BaseField> = (0..size).map(|i| base(i * 2654435761 + b * 40503)).collect();
            x.iter().for_each(|x| multiplicity[x.0 as usize] += BaseField::from(1));
            let y = x.iter().copied().map(square).collect();
            [x, y]
        })
        .collect();

    let mut start = Transcript::default();
    let (alpha, beta) = (start.draw(), start.draw());
    let weights: Vec<F> = powers(beta, 2);
    let block = |x, y| LeafBlock {
        log_len: log_rows,
        constant: alpha,
        columns: vec![(weights[0], x), (weights[1], y)],
        bytes: vec![],
    };
    let lookups: Vec<LeafBlock<'_>> = columns.iter().map(|[x, y]| block(&x[..], &y[..])).collect();
    let tables = [TableBlock { leaves: block(&table_x, &table_y), multiplicity: &multiplicity }];
    let shape = GkrShape { lookup_leaves: 1 << log_lookups, table_leaves: size as u64 };

    let mut best = f64::INFINITY;
    for run in 0..runs {
        let clock = Instant::now();
        let (proof, claims) = prove(&mut start.clone(), &lookups, &tables).expect("an honest statement");
        let seconds = clock.elapsed().as_secs_f64();
        best = best.min(seconds);
        let clock = Instant::now();
        assert_eq!(verify(&mut start.clone(), &shape, &proof).as_ref(), Ok(&claims));
        println!(
            "run {run}: {:.1} ms, {:.1} M lookups/s; verified in {:.2} ms; {} bytes",
            seconds * 1e3,
            (1u64 << log_lookups) as f64 / seconds / 1e6,
            clock.elapsed().as_secs_f64() * 1e3,
            16 * proof.to_felts().len(),
        );
    }
    println!(
        "2^{log_lookups} lookups of 2 columns, {threads} thread(s): best {:.1} M lookups/s",
        (1u64 << log_lookups) as f64 / best / 1e6
    );
}
