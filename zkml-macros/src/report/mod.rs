//! The trace-cost report: printed once per model, with a copy as JSON beside the build.
//!
//! Cargo keeps what a macro prints and prints it again on fresh builds, for dependencies too. Every line names the
//! model, because crates that build in parallel interleave their lines.

mod file;
mod machine;

#[cfg(test)]
mod tests;

use crate::model::ReportMode;
use std::path::PathBuf;
use zkml_ir::cost;
use zkml_ir::graph::Graph;

/// Prints the report and writes its copy. The paths are for `include_bytes!`, which has a deleted copy written again and a
/// new machine's report printed.
pub(crate) fn emit(graph: &Graph, mode: ReportMode) -> Vec<PathBuf> {
    if mode == ReportMode::Off || std::env::var("ZKML_REPORT").is_ok_and(|v| v == "off") {
        return vec![];
    }
    let krate = std::env::var("CARGO_CRATE_NAME").unwrap_or_else(|_| "crate".into());
    let print = |text: &str| eprint!("{}", prefixed(&krate, &graph.name, text));
    let mut report = match cost::report(graph) {
        Ok(report) => report,
        // What the checks let through and no proof exists for: say so where the user looks.
        Err(e) => {
            print(&format!("cannot be proven: {e}"));
            return vec![];
        }
    };
    let mut files = vec![];
    match machine::named() {
        Some(Ok((machine, path))) => {
            report = report.on(machine);
            files.push(path);
        }
        // An estimate is no reason to fail a build.
        Some(Err(e)) => print(&format!("no machine to estimate for: {e}")),
        None => {}
    }
    print(&match mode {
        ReportMode::Full => report.to_string(),
        _ => report.line(),
    });
    let json = serde_json::to_string_pretty(&report).expect("plain values serialise") + "\n";
    files.extend(file::write(&krate, &graph.name, &json));
    files
}

/// Every line with `zkml[crate::model]`.
pub(crate) fn prefixed(krate: &str, model: &str, text: &str) -> String {
    text.lines().map(|l| format!("zkml[{krate}::{model}] {l}").trim_end().to_string() + "\n").collect()
}
