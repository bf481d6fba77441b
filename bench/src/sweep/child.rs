//! One point measured, in a process that does nothing else: the peak of a process is that of all it ever did.

use super::{Point, Row, SweepError};
use crate::networks::{gpt2_graph, gpt2_weights, sequences};
use crate::ready::Ready;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use thiserror::Error;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use zkml_dsl::engine::{check_memory, probe_machine, MemoryError, Task};
use zkml_dsl::weights::WeightsError;
use zkml_dsl::DynamicInstance;
use zkml_examples::progress::Progress;
use zkml_examples::report::peak_rss_mb;

/// What a child is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub point: Point,
    /// Proofs, verifications and plain runs, of which the median counts.
    pub runs: usize,
    /// Bytes that the process may take by the cost model, if fewer than there are.
    pub limit: Option<u64>,
}

/// Why a point has no times. All of it is recorded, none of it ends the sweep.
#[derive(Debug, Error)]
enum PointError {
    #[error(transparent)]
    Model(#[from] zkml_dsl::Error),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error("expected at least one run, got {0}")]
    Runs(usize),
}

/// The child's side: reads an order, measures, prints the row as one line of JSON.
pub fn answer(order: &str) -> Result<(), SweepError> {
    let order: Order =
        serde_json::from_str(order).map_err(|source| SweepError::Order { got: order.into(), source })?;
    let threads = order.point.threads;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|source| SweepError::Threads { threads, source })?;
    let progress = Progress::default();
    tracing_subscriber::registry().with(progress.layer()).try_init()?;
    let mut row = Row::of(&order.point);
    if let Err(e) = measure(&order, &progress, &mut row) {
        row.error = Some(e.to_string());
    }
    println!("{}", serde_json::to_string(&row).map_err(SweepError::Answer)?);
    Ok(())
}

/// Fills the row from left to right, so that a point which is refused still says how large it is.
fn measure(order: &Order, progress: &Progress, row: &mut Row) -> Result<(), PointError> {
    let Order { point, runs, limit } = *order;
    if runs == 0 {
        return Err(PointError::Runs(runs));
    }
    let config = point.config();
    let graph = gpt2_graph(&config, point.seq)?;
    let instance = DynamicInstance::new(graph.clone());
    // Of this machine, on as many threads as the point has.
    let costs = instance.report()?.on(probe_machine());
    row.weights = Some(costs.weight_cells);
    row.cells = Some(costs.committed_cells);
    row.lookups = Some(costs.lookups);
    row.estimate_ms = Some(rounded(costs.estimate.prove_ms));
    let process = instance.memory()?.process();
    row.estimate_mib = Some(rounded(process as f64 / (1 << 20) as f64));
    check_memory(Task::Proof, process, limit.unwrap_or(u64::MAX))?;

    // The float weights live until the end, as they do in the examples and in the cost model.
    let weights = gpt2_weights(&config)?;
    let [calibration, proven] = sequences(config.words, point.seq);
    let ready = Ready::new(graph, &weights, &calibration, &proven)?;
    row.setup_ms = Some(ms(progress.wall("setup")));

    let infer = repeat(runs, || ready.infer())?;
    let proofs = repeat(runs, || {
        progress.reset();
        let proven = ready.prove()?;
        Ok::<_, zkml_dsl::Error>((proven, progress.phases()))
    })?;
    row.peak_mib = Some(rounded(peak_rss_mb()));
    row.prove_min_ms = proofs.first().map(|(time, _)| ms(*time));
    let (prove, (proven, phases)) = median(&proofs);
    let phase = |name: &str| phases.iter().find(|p| p.name == name).map(|p| ms(p.wall));
    row.trace_ms = phase("trace");
    row.commit_ms = phase("commit");
    row.gkr_ms = phase("gkr");
    row.sumcheck_ms = phase("sumcheck");
    row.stark_ms = phase("stark");
    row.proof_bytes = Some(proven.proof.to_bytes().len() as u64);

    let verify = ready.verifier(proven)?;
    row.verify_ms = Some(ms(median(&repeat(runs, || verify(proven))?).0));
    let infer = median(&infer).0;
    row.infer_ms = Some(ms(infer));
    row.ratio = Some(rounded(prove.as_secs_f64() / infer.as_secs_f64()));
    // Last: a row with this has everything.
    row.prove_ms = Some(ms(*prove));
    Ok(())
}

/// Runs of which each gives a value, by their times.
fn repeat<T, E>(runs: usize, mut f: impl FnMut() -> Result<T, E>) -> Result<Vec<(Duration, T)>, E> {
    let mut all = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        let value = f()?;
        all.push((start.elapsed(), value));
    }
    all.sort_by_key(|(time, _)| *time);
    Ok(all)
}

/// The one in the middle of at least one, the lower of two. It is a run, so its phases add up to its time.
fn median<T>(sorted: &[(Duration, T)]) -> &(Duration, T) {
    &sorted[(sorted.len() - 1) / 2]
}

fn ms(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3)
}

/// To microseconds: more digits would only be noise in the table.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_run() {
        let of = |ms: &[u64]| {
            let runs: Vec<_> = ms.iter().map(|&ms| (Duration::from_millis(ms), ms)).collect();
            median(&runs).1
        };
        assert_eq!((of(&[7]), of(&[1, 2]), of(&[1, 5, 9])), (7, 1, 5));
    }

    #[test]
    fn runs_are_sorted_and_errors_end_them() {
        let mut naps = [3, 1, 2].into_iter();
        let runs = repeat(3, || {
            let nap = naps.next().ok_or(())?;
            std::thread::sleep(Duration::from_millis(10 * nap));
            Ok::<_, ()>(nap)
        });
        assert_eq!(runs.unwrap().iter().map(|r| r.1).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(repeat(3, || Err::<(), _>("no")).unwrap_err(), "no");
    }
}
