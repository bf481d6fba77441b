//! What the counts come to: bytes, memory, time. Estimates, and named so.

use super::Memory;
use crate::layout::Layout;
use crate::lower::Lowered;
use crate::plan::Plan;
use serde::{Deserialize, Serialize};

/// An estimate for the default security level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub proof_bytes: u64,
    /// [`Memory::process`].
    pub memory_bytes: u64,
    /// On two cores of an AMD EPYC of the fifth generation, with AVX-512.
    pub prove_ms: f64,
}

/// Queries of the default level, and log2 of its blow-up.
const QUERIES: f64 = 190.0;
const LOG_BLOWUP: u32 = 1;
const CORES: usize = 2;
const HASH: f64 = 32.0;
const FELT: f64 = 16.0;
/// Columns of the prefix sums and of the composition polynomial.
const OWN_COLUMNS: f64 = 4.0 + 8.0;

impl Estimate {
    pub(super) fn new(plan: &Plan, certificate: &[Lowered], layout: &Layout) -> Self {
        let columns = layout.total_columns() as f64;
        let log_domain = (layout.log_rows + LOG_BLOWUP) as f64;
        // A query's path is its own below the level where queries outnumber nodes.
        let path = |log: f64| QUERIES * (log - QUERIES.log2()).max(0.0) * HASH;
        let trees = 2.0 + (layout.columns.iter().filter(|&&c| c > 0).count()) as f64;
        let fri: f64 = (1..)
            .map(|k| log_domain - 3.0 * k as f64)
            .take_while(|&log| log > 6.0)
            .map(|log| path(log) + QUERIES * 7.0 * FELT)
            .sum();
        let leaves = (plan.n_lookups() as f64).max(1.0).log2().ceil();
        let gkr = leaves * (leaves / 2.0 * 3.0 + 8.0) * FELT;
        let operands: usize = plan.constraints.iter().map(|c| c.products.len()).sum();
        let values = (columns + OWN_COLUMNS) * (QUERIES * 4.0 + FELT);
        let proof_bytes = values + trees * path(log_domain) + fri + gkr + operands as f64 * 2.0 * FELT;

        let rows = (1u64 << layout.log_rows) as f64;
        let cells = columns * rows;
        let own = layout.columns[2] as f64 * rows;
        let lookups = plan.n_lookups() as f64;
        let memory_bytes = Memory::new(plan, certificate, LOG_BLOWUP, CORES).process();
        let prove_ms = FIXED_MS + (cells * NS_CELL + own * NS_OWN_CELL + lookups * NS_LOOKUP) / 1e6;
        Self { proof_bytes: proof_bytes as u64, memory_bytes, prove_ms }
    }
}

/// Milliseconds that every proof costs, and nanoseconds per opened cell, per cell committed by the proof on top, per lookup.
/// From the phases of GPT-2 over 16 to 512 tokens (`docs/performance.md`), which they meet within 25 %.
const FIXED_MS: f64 = 25.0;
const NS_CELL: f64 = 0.6;
const NS_OWN_CELL: f64 = 17.4;
const NS_LOOKUP: f64 = 14.0;
