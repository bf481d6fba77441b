//! What the counts come to: bytes, memory, time. Estimates, and named so.

use super::{Machine, Memory};
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
    /// The sum of the next three, on `machine`.
    pub prove_ms: f64,
    /// What every proof takes.
    pub fixed_ms: f64,
    /// What goes with cells: trace, commitment, sumcheck, opening.
    pub cells_ms: f64,
    /// What goes with lookups: entries, multiplicities, LogUp.
    pub lookups_ms: f64,
    /// Where these times are expected.
    pub machine: Machine,
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
        let cells_ms = (cells * NS_CELL + own * NS_OWN_CELL) / 1e6;
        let reference = Self {
            proof_bytes: proof_bytes as u64,
            memory_bytes,
            prove_ms: 0.0,
            fixed_ms: FIXED_MS,
            cells_ms,
            lookups_ms: lookups * NS_LOOKUP / 1e6,
            machine: Machine::REFERENCE,
        };
        reference.on(Machine::REFERENCE)
    }

    /// On another machine than the one it was made for. The fixed part, of hashes and of small sumchecks, goes with the
    /// mean of both.
    pub fn on(&self, machine: Machine) -> Self {
        let cells = machine.commits() / self.machine.commits();
        let lookups = machine.looks_up() / self.machine.looks_up();
        let fixed_ms = self.fixed_ms * (cells * lookups).sqrt();
        let (cells_ms, lookups_ms) = (self.cells_ms * cells, self.lookups_ms * lookups);
        let prove_ms = fixed_ms + cells_ms + lookups_ms;
        Self { prove_ms, fixed_ms, cells_ms, lookups_ms, machine, ..*self }
    }
}

/// Milliseconds that every proof costs, and nanoseconds per opened cell, per cell committed by the proof on top, per lookup.
/// On [`Machine::REFERENCE`], from the phases of GPT-2 over 16 to 512 tokens (`docs/performance.md`), which they meet within
/// 25 %.
const FIXED_MS: f64 = 40.0;
const NS_CELL: f64 = 1.8;
const NS_OWN_CELL: f64 = 23.5;
const NS_LOOKUP: f64 = 22.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_with_the_machine() {
        let here = Estimate {
            proof_bytes: 1,
            memory_bytes: 2,
            prove_ms: 175.0,
            fixed_ms: 25.0,
            cells_ms: 100.0,
            lookups_ms: 50.0,
            machine: Machine::REFERENCE,
        };
        let Machine { ns_cell, ns_lookup, .. } = Machine::REFERENCE;
        let slow = Machine { threads: 1, ns_cell: 4.0 * ns_cell, ns_lookup };
        let there = here.on(slow);
        assert_eq!((there.fixed_ms, there.cells_ms, there.lookups_ms), (50.0, 400.0, 50.0));
        assert_eq!((there.prove_ms, there.machine, there.proof_bytes), (500.0, slow, 1));
        assert_eq!(there.on(Machine::REFERENCE), here);
    }
}
