//! The trace-cost report: printed once per model, with a copy as JSON beside the build.
//!
//! Cargo keeps what a macro prints and prints it again on fresh builds, for dependencies too. Every line names the
//! model, because crates that build in parallel interleave their lines.

mod file;
mod summary;

#[cfg(test)]
mod tests;

use crate::model::ReportMode;
use std::path::PathBuf;
use zkml_ir::graph::Graph;

/// Prints the report and writes its copy; the path is for `include_bytes!`, which has a deleted copy written again.
pub(crate) fn emit(graph: &Graph, mode: ReportMode) -> Option<PathBuf> {
    if mode == ReportMode::Off || std::env::var("ZKML_REPORT").is_ok_and(|v| v == "off") {
        return None;
    }
    let krate = std::env::var("CARGO_CRATE_NAME").unwrap_or_else(|_| "crate".into());
    let report = summary::Summary(graph);
    let text = match mode {
        ReportMode::Full => report.table(),
        _ => report.line(),
    };
    eprint!("{}", prefixed(&krate, &graph.name, &text));
    file::write(&krate, &graph.name, &report.json())
}

/// Every line with `zkml[crate::model]`.
pub(crate) fn prefixed(krate: &str, model: &str, text: &str) -> String {
    text.lines().map(|l| format!("zkml[{krate}::{model}] {l}").trim_end().to_string() + "\n").collect()
}
