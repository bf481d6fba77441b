//! What is known of a point. A point that was refused or died has an error and no times.

use super::Point;
use serde::{Deserialize, Serialize};

/// A line of the table; its fields are the columns. Times are milliseconds, memory is MiB.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub layers: usize,
    pub seq: usize,
    pub d: usize,
    pub heads: usize,
    /// Rows of the token table, padding included.
    pub vocab: usize,
    pub threads: usize,
    /// Cells committed once.
    pub weights: Option<u64>,
    /// Cells that each proof commits.
    pub cells: Option<u64>,
    pub lookups: Option<u64>,
    /// Weights committed and certified; calibration is before that.
    pub setup_ms: Option<f64>,
    /// The median; of an even number of runs the lower of the two in the middle.
    pub prove_ms: Option<f64>,
    pub prove_min_ms: Option<f64>,
    /// The median, with a key that was checked before.
    pub verify_ms: Option<f64>,
    pub proof_bytes: Option<u64>,
    /// The most physical memory that the process held.
    pub peak_mib: Option<f64>,
    /// By the cost model, which knows of two threads only.
    pub estimate_ms: Option<f64>,
    /// By the cost model, for these threads.
    pub estimate_mib: Option<f64>,
    /// The same integers without a proof, the median.
    pub infer_ms: Option<f64>,
    /// `prove_ms / infer_ms`
    pub ratio: Option<f64>,
    /// Phases of the run whose time is the median.
    pub trace_ms: Option<f64>,
    pub commit_ms: Option<f64>,
    pub gkr_ms: Option<f64>,
    pub sumcheck_ms: Option<f64>,
    pub stark_ms: Option<f64>,
    /// Why there are no times.
    pub error: Option<String>,
}

impl Row {
    /// What is known of a point before anything is measured.
    pub fn of(point: &Point) -> Self {
        let Point { layers, seq, d, threads, .. } = *point;
        let (heads, vocab) = (point.heads(), point.config().vocab());
        Self { layers, seq, d, heads, vocab, threads, ..Self::default() }
    }

    /// A point that gave no answer.
    pub fn failed(point: &Point, error: String) -> Self {
        Self { error: Some(error), ..Self::of(point) }
    }

    /// For people, on one line.
    pub fn line(&self) -> String {
        let Self { layers, seq, d, threads, .. } = self;
        let sizes = format!("{layers:>3} layers {seq:>4} tokens {d:>4} wide {threads:>2} threads");
        match (&self.error, self.prove_ms, self.estimate_ms, self.peak_mib) {
            (Some(error), ..) => format!("{sizes}  {error}"),
            (None, Some(prove), Some(estimate), Some(peak)) => {
                format!("{sizes}  prove {prove:>9.1} ms (estimate {estimate:.1})  peak {peak:>7.0} MiB")
            }
            _ => format!("{sizes}  nothing measured"),
        }
    }
}
