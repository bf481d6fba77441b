//! How fast this machine proves: what an estimate of the cost report is scaled by.

use crate::field::{powers, BaseField, F};
use crate::gkr::{self, LeafBlock, TableBlock};
use crate::pcs::{commit, Params, ProverContext};
use crate::security::SecurityLevel;
use crate::transcript::Transcript;
use std::time::{Duration, Instant};
use stwo::prover::backend::simd::column::BaseColumn;
use zkml_ir::cost::Machine;

/// Each of the two parts is repeated for this long.
const EACH: Duration = Duration::from_secs(1);
/// Columns of a commitment, log2 of its rows: larger than a cache, as a model's are.
const COLUMNS: usize = 32;
const LOG_ROWS: u32 = 16;
/// log2 of the lookups and of the rows of their table.
const LOG_LOOKUPS: u32 = 20;
const LOG_TABLE: u32 = 16;

/// Commits and looks up for a second each, on the threads of the current pool. Medians, so that the first run, which finds
/// its memory new, does not count. It takes two seconds and 100 MiB.
pub fn machine() -> Machine {
    let cells = (COLUMNS << LOG_ROWS) as f64;
    let ns = |time: Duration, elements: f64| time.as_secs_f64() * 1e9 / elements;
    Machine {
        threads: rayon::current_num_threads(),
        ns_cell: ns(commitments(), cells),
        ns_lookup: ns(lookups(), (1u64 << LOG_LOOKUPS) as f64),
    }
}

fn commitments() -> Duration {
    let params = Params { log_rows: LOG_ROWS, level: SecurityLevel::default() };
    let ctx = ProverContext::new(params).expect("parameters in range");
    let column = |c: usize| (0..1 << LOG_ROWS).map(|r| small(r + (c << LOG_ROWS))).collect::<BaseColumn>();
    let columns: Vec<BaseColumn> = (0..COLUMNS).map(column).collect();
    median(|| {
        let columns = columns.clone();
        let start = Instant::now();
        let tree = commit(columns, &ctx).expect("columns of equal height");
        (start.elapsed(), tree)
    })
}

fn lookups() -> Duration {
    let size = 1usize << LOG_TABLE;
    let entry = |x: usize| [BaseField::from(x as u32), BaseField::from((x * x % size) as u32)];
    let columns = |keys: &dyn Fn(usize) -> usize| -> [Vec<BaseField>; 2] {
        [0, 1].map(|c| (0..size).map(|i| entry(keys(i))[c]).collect())
    };
    let table = columns(&|i| i);
    // Steps of an odd number go through the whole table once.
    let n_blocks = 1usize << (LOG_LOOKUPS - LOG_TABLE);
    let blocks: Vec<_> = (0..n_blocks).map(|b| columns(&|i| (i * 40_503 + b * 12_345) % size)).collect();
    let multiplicity = vec![BaseField::from(n_blocks as u32); size];
    let mut start = Transcript::default();
    let (alpha, beta) = (start.draw(), start.draw());
    let weights = powers(beta, 2);
    median(|| {
        let lookups: Vec<_> = blocks.iter().map(|b| leaves(b, alpha, &weights)).collect();
        let tables = [TableBlock { leaves: leaves(&table, alpha, &weights), multiplicity: &multiplicity }];
        let clock = Instant::now();
        let proof = gkr::prove(&mut start.clone(), &lookups, &tables).expect("an honest statement");
        (clock.elapsed(), proof)
    })
}

fn leaves<'a>([x, y]: &'a [Vec<BaseField>; 2], alpha: F, weights: &[F]) -> LeafBlock<'a> {
    LeafBlock {
        log_len: LOG_TABLE,
        constant: alpha,
        columns: vec![(weights[0], x), (weights[1], y)],
        bytes: vec![],
    }
}

/// A cell of eight bits, as most are.
fn small(i: usize) -> BaseField {
    BaseField::from(((i as u32).wrapping_mul(2_654_435_769) >> 24) & 0xff)
}

/// The median of as many runs as [`EACH`] has room for. What a run made is dropped off the clock.
fn median<T>(mut run: impl FnMut() -> (Duration, T)) -> Duration {
    let start = Instant::now();
    let mut times = vec![];
    while times.len() < 3 || start.elapsed() < EACH {
        times.push(run().0);
    }
    times.sort_unstable();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_probed_machine_has_times() {
        let machine = super::machine().checked().unwrap();
        assert_eq!(machine.threads, rayon::current_num_threads());
    }
}
