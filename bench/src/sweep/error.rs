//! What ends a sweep. What ends only a point is written into its row.

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum SweepError {
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: csv::Error },
    #[error("cannot make a table of the rows: {0}")]
    Table(csv::Error),
    #[error("cannot draw `{file}`: {reason}")]
    Draw { file: &'static str, reason: String },
    #[error("expected a point's order as JSON, got `{got}`: {source}")]
    Order { got: String, source: serde_json::Error },
    #[error("cannot start a process of its own for a point: {0}")]
    Start(io::Error),
    #[error("cannot write a row as JSON: {0}")]
    Answer(serde_json::Error),
    #[error("cannot start {threads} threads: {source}")]
    Threads { threads: usize, source: rayon::ThreadPoolBuildError },
    #[error("cannot watch the prover's phases: {0}")]
    Watch(#[from] tracing_subscriber::util::TryInitError),
}

impl SweepError {
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Write { path: path.to_owned(), source }
    }
}
