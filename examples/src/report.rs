//! The figures of one run, as JSON and for people.

use crate::progress::Phase;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

/// The figures of one run. The field names are those of the JSON object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub model: String,
    /// Tokens; 1 for a model without a sequence.
    pub seq: usize,
    pub layers: usize,
    pub threads: usize,
    pub setup_ms: f64,
    pub prove_ms: f64,
    pub verify_ms: f64,
    pub proof_bytes: usize,
    /// Proven bits, unless the security level is named as conjectured.
    pub security_bits: f64,
    /// In MiB; see [`peak_rss_mb`].
    pub peak_rss_mb: f64,
    /// What the cost model says of it, in MiB; for people only.
    #[serde(skip)]
    pub estimated_mb: f64,
    pub committed_cells: u64,
    pub lookups: u64,
    /// Against the float reference, in real units.
    pub max_abs_err: f64,
    pub backend: String,
}

impl Report {
    /// Writes the JSON object, whole or not at all.
    pub fn write_json(&self, path: impl AsRef<Path>) -> io::Result<()> {
        zkml_dsl::atomic_write(path, |w| {
            serde_json::to_writer_pretty(&mut *w, self)?;
            writeln!(w)
        })
    }

    /// A table for people: totals, the phases under them, sizes.
    pub fn table(&self, setup: &[Phase], phases: &[Phase]) -> String {
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let mut out = format!(
            "{}: {}, {}, {}, {}\n",
            self.model,
            plural(self.layers, "layer"),
            plural(self.seq, "token"),
            plural(self.threads, "thread"),
            self.backend
        );
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "  {name:<24} {value:>14}");
        };
        for (name, total, phases) in [("setup", self.setup_ms, setup), ("prove", self.prove_ms, phases)] {
            line(name, ms(total));
            for phase in phases {
                let name = format!("{}{}", "  ".repeat(phase.depth + 1), phase.name);
                line(&name, ms(phase.wall.as_secs_f64() * 1e3));
            }
        }
        line("verify", ms(self.verify_ms));
        line("proof", format!("{:.1} kB", self.proof_bytes as f64 / 1e3));
        line("security", format!("{:.1} bits", self.security_bits));
        line("peak memory", format!("{:.0} MiB", self.peak_rss_mb));
        line("peak memory, estimate", format!("{:.0} MiB", self.estimated_mb));
        line("committed cells", self.committed_cells.to_string());
        line("lookups", self.lookups.to_string());
        line("largest error", format!("{:.2e}", self.max_abs_err));
        out
    }
}

fn ms(v: f64) -> String {
    format!("{v:.1} ms")
}

/// The most physical memory that this process has held so far, in MiB: `VmHWM` of `/proc/self/status`. 0 where there is
/// no such file.
pub fn peak_rss_mb() -> f64 {
    std::fs::read_to_string("/proc/self/status").ok().and_then(|s| high_water_mark(&s)).unwrap_or(0.0)
}

fn high_water_mark(status: &str) -> Option<f64> {
    let value = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: f64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn report() -> Report {
        Report {
            model: "gpt2_block".into(),
            seq: 64,
            layers: 1,
            threads: 2,
            setup_ms: 812.25,
            prove_ms: 934.0,
            verify_ms: 16.5,
            proof_bytes: 736_400,
            security_bits: 96.5,
            peak_rss_mb: 900.0,
            estimated_mb: 850.0,
            committed_cells: 3_000_000,
            lookups: 1_500_000,
            max_abs_err: 0.0125,
            backend: "cpu".into(),
        }
    }

    #[test]
    fn json_has_exactly_the_fields() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.json");
        report().write_json(&path).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut fields: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = "model seq layers threads setup_ms prove_ms verify_ms proof_bytes security_bits \
                            peak_rss_mb committed_cells lookups max_abs_err backend"
            .split_whitespace()
            .collect::<Vec<_>>();
        fields.sort_unstable();
        expected.sort_unstable();
        assert_eq!(fields, expected);
        assert_eq!(value["setup_ms"], 812.25);
        assert_eq!(value["proof_bytes"], 736_400);
        assert_eq!(value["backend"], "cpu");
    }

    #[test]
    fn table_shows_phases_under_the_totals() {
        let phase = |name, depth, ms| Phase {
            name,
            depth,
            count: 1,
            start: Duration::ZERO,
            wall: Duration::from_millis(ms),
        };
        let table =
            report().table(&[phase("bounds", 1, 7)], &[phase("commit", 0, 300), phase("merkle", 1, 120)]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "gpt2_block: 1 layer, 64 tokens, 2 threads, cpu");
        assert_eq!(lines[2], "      bounds                       7.0 ms");
        assert_eq!(lines[4], "    commit                       300.0 ms");
        assert_eq!(lines[5], "      merkle                     120.0 ms");
        assert!(table.contains("900 MiB") && table.contains("850 MiB"));
        assert!(table.contains("736.4 kB") && table.contains("96.5 bits"));
    }

    #[test]
    fn memory() {
        assert_eq!(high_water_mark("VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\n"), Some(2.0));
        assert_eq!(high_water_mark("VmPeak:\t 9 kB\n"), None);
        if cfg!(target_os = "linux") {
            assert!(peak_rss_mb() > 0.0);
        }
    }
}
