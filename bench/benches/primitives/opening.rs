//! Commitment of columns and the opening of claims on them, on one thread. Elements are committed cells.

use criterion::{BatchSize, Criterion, Throughput};
use std::time::Duration;
use stwo::prover::backend::simd::column::BaseColumn;
use zkml_bench::seeded::Stream;
use zkml_runtime::field::{eq_table, BaseField, F};
use zkml_runtime::pcs::{commit, prove_opening, CommittedTree, Group, Params, ProverContext, Term};
use zkml_runtime::security::SecurityLevel;
use zkml_runtime::transcript::{Tag, Transcript};

/// Columns of each tree: few, so that small machines hold the larger case, and enough that hashes run over full blocks.
const COLUMNS: usize = 32;
/// As a transformer block's: some forty points of 6 to b variables, a thousand terms.
const GROUPS: usize = 40;
const TERMS: usize = 25;

pub fn bench(c: &mut Criterion) {
    let pool = super::target::one_thread();
    let mut group = c.benchmark_group("pcs");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for log_rows in [16u32, 18] {
        let params = Params { log_rows, level: SecurityLevel::default() };
        group.throughput(Throughput::Elements((COLUMNS as u64) << log_rows));
        group.bench_function(format!("commit/2^{log_rows}x{COLUMNS}"), |bench| {
            let ctx = ProverContext::new(params).expect("parameters in range");
            let columns = columns(log_rows, 1);
            pool.install(|| {
                let commit = |columns| commit(columns, &ctx).expect("columns of equal height");
                bench.iter_batched(|| columns.clone(), commit, BatchSize::PerIteration);
            });
        });
        group.throughput(Throughput::Elements((2 * COLUMNS as u64) << log_rows));
        group.bench_function(format!("open/2^{log_rows}x{}", 2 * COLUMNS), |bench| {
            let ctx = ProverContext::new(params).expect("parameters in range");
            pool.install(|| {
                let tree = |seed| commit(columns(log_rows, seed), &ctx).expect("columns of equal height");
                let trees = [tree(1), tree(2)];
                let trees: Vec<&CommittedTree> = trees.iter().collect();
                let mut t = transcript(&trees);
                let groups = groups(&mut t, log_rows as usize);
                let claim = claim(&trees, &groups);
                let mut round = 0;
                bench.iter(|| {
                    // Another transcript each time: the proof of work at the end takes longer or shorter by luck.
                    let t = &mut transcript(&trees);
                    t.absorb_words(Tag::Root, &[round]);
                    round += 1;
                    prove_opening(t, &ctx, &trees, &groups, claim).expect("a true claim")
                });
            });
        });
    }
    group.finish();
}

/// Cells of eight bits, as most are.
fn columns(log_rows: u32, seed: u64) -> Vec<BaseColumn> {
    let mut s = Stream::new(seed);
    let mut column = || (0..1 << log_rows).map(|_| BaseField::from(s.below(256) as u32)).collect();
    (0..COLUMNS).map(|_| column()).collect()
}

fn transcript(trees: &[&CommittedTree]) -> Transcript {
    let mut t = Transcript::default();
    trees.iter().for_each(|tree| t.absorb_hash(Tag::Root, &tree.root()));
    t
}

fn groups(t: &mut Transcript, log_rows: usize) -> Vec<Group> {
    let group = |g: usize| {
        let bits = 6 + g % (log_rows - 5);
        let terms = (0..TERMS)
            .map(|k| {
                let (tree, i) = (k % 2, g * TERMS + k);
                Term { tree, column: i / 2 % COLUMNS, slot: i % (1 << (log_rows - bits)), weight: t.draw() }
            })
            .collect();
        Group { point: t.draw_many(bits), terms }
    };
    (0..GROUPS).map(group).collect()
}

fn claim(trees: &[&CommittedTree], groups: &[Group]) -> F {
    let mut sum = F::default();
    for Group { point, terms } in groups {
        let eq = eq_table(point);
        for term in terms {
            let column = &trees[term.tree].columns()[term.column].to_field()[term.slot << point.len()..];
            sum += term.weight * eq.iter().zip(column).map(|(&e, &c)| e * c).sum::<F>();
        }
    }
    sum
}
