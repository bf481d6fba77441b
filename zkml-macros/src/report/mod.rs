//! The trace-cost report: printed once per model, with a copy as JSON beside the build.
//!
//! Cargo keeps what a macro prints and prints it again on fresh builds, for dependencies too. Every line names the
//! model, because crates that build in parallel interleave their lines.

mod file;

#[cfg(test)]
mod tests;

use crate::model::ReportMode;
use std::path::PathBuf;
use zkml_ir::cost;
use zkml_ir::graph::Graph;

/// Prints the report and writes its copy; the path is for `include_bytes!`, which has a deleted copy written again.
pub(crate) fn emit(graph: &Graph, mode: ReportMode) -> Option<PathBuf> {
    if mode == ReportMode::Off || std::env::var("ZKML_REPORT").is_ok_and(|v| v == "off") {
        return None;
    }
    let krate = std::env::var("CARGO_CRATE_NAME").unwrap_or_else(|_| "crate".into());
    let report = match cost::report(graph) {
        Ok(report) => report,
        // What the checks let through and no proof exists for: say so where the user looks.
        Err(e) => {
            eprint!("{}", prefixed(&krate, &graph.name, &format!("cannot be proven: {e}")));
            return None;
        }
    };
    let text = match mode {
        ReportMode::Full => report.to_string(),
        _ => report.line(),
    };
    eprint!("{}", prefixed(&krate, &graph.name, &text));
    let json = serde_json::to_string_pretty(&report).expect("plain values serialise") + "\n";
    file::write(&krate, &graph.name, &json)
}

/// Every line with `zkml[crate::model]`.
pub(crate) fn prefixed(krate: &str, model: &str, text: &str) -> String {
    text.lines().map(|l| format!("zkml[{krate}::{model}] {l}").trim_end().to_string() + "\n").collect()
}
