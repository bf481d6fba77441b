//! The whole sweep on its tiny model, through to the files.

use std::path::Path;
use std::process::{Command, Output};
use zkml_bench::sweep::{table, Grid};

fn sweep(out: &Path, args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_sweep"))
        .args(["--quick", "--runs", "1", "--out"])
        .arg(out)
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn every_point_is_measured_and_every_file_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("sweep");
    let printed = String::from_utf8(sweep(&out, &[]).stdout).unwrap();
    let rows = table::read(&out.join("sweep.csv")).unwrap();
    assert_eq!(rows.len(), Grid::quick().points().len());
    for row in &rows {
        assert_eq!(row.error, None, "{row:?}");
        let times = [row.setup_ms, row.prove_ms, row.prove_min_ms, row.verify_ms, row.infer_ms, row.ratio];
        let phases = [row.trace_ms, row.commit_ms, row.gkr_ms, row.sumcheck_ms, row.stark_ms];
        let estimates = [row.estimate_ms, row.estimate_mib];
        for value in times.into_iter().chain(phases).chain(estimates) {
            assert!(value.is_some_and(|v| v > 0.0), "{row:?}");
        }
        let sum: f64 = phases.iter().flatten().sum();
        assert!(row.prove_ms.is_some_and(|prove| sum <= 1.01 * prove), "{row:?}");
        let counts = [row.weights, row.cells, row.lookups, row.proof_bytes];
        assert!(counts.iter().all(|c| c.is_some_and(|c| c > 0)), "{row:?}");
        assert!(!cfg!(target_os = "linux") || row.peak_mib.is_some_and(|m| m > 1.0), "{row:?}");
    }
    let fit = std::fs::read_to_string(out.join("fit.md")).unwrap();
    assert!(printed.contains(&fit) && fit.contains("a cell that the proof commits"), "{printed}");
    for plot in ["tokens", "layers", "width", "threads"] {
        assert!(std::fs::read_to_string(out.join(format!("prove-{plot}.svg"))).unwrap().contains("</svg>"));
    }

    // From the table alone the same fit comes again.
    std::fs::remove_file(out.join("fit.md")).unwrap();
    sweep(&out, &["--redraw"]);
    assert_eq!(std::fs::read_to_string(out.join("fit.md")).unwrap(), fit);
}

#[test]
fn a_refused_point_is_a_row_with_its_sizes() {
    let dir = tempfile::tempdir().unwrap();
    sweep(dir.path(), &["--memory-limit-gib", "0"]);
    for row in table::read(&dir.path().join("sweep.csv")).unwrap() {
        assert!(row.error.as_ref().is_some_and(|e| e.contains("0.0 MiB are available")), "{row:?}");
        assert!(row.prove_ms.is_none() && row.cells.is_some() && row.estimate_mib.is_some(), "{row:?}");
    }
    let fit = std::fs::read_to_string(dir.path().join("fit.md")).unwrap();
    assert!(fit.contains("No fit") && fit.contains("proving needs about"), "{fit}");
}
