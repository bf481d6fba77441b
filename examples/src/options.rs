//! Command-line options that the examples share.

use crate::session::Failure;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use zkml_dsl::engine::Backend;

/// Where proofs are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// The CPU's threads
    #[default]
    Cpu,
    /// The first NVIDIA GPU
    Cuda,
    /// That GPU if there is one, the CPU otherwise
    Auto,
}

impl On {
    pub fn open(self) -> Result<Backend, Failure> {
        Ok(match self {
            Self::Cpu => Backend::Cpu,
            Self::Cuda => Backend::cuda(0)?,
            Self::Auto => Backend::auto(),
        })
    }
}

/// Options of every example.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Threads to prove with [default: all]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Where to prove
    #[arg(long, value_enum, value_name = "BACKEND", default_value_t)]
    pub backend: On,
    /// Security level by name [default: the proven one]
    #[arg(long, value_name = "LEVEL")]
    pub security: Option<String>,
    /// Float weights as a safetensors file [default: seeded or shipped with the example]
    #[arg(long, value_name = "PATH")]
    pub weights: Option<PathBuf>,
    /// Proofs to make: times are those of the median one [default: 3]
    #[arg(long, value_name = "N")]
    pub runs: Option<NonZeroUsize>,
    /// Print what the integers lose, layer by layer, and the width that each activation needs
    #[arg(long)]
    pub accuracy: bool,
    /// Probe this machine for two seconds, and print how long a proof was expected to take
    #[arg(long)]
    pub estimate: bool,
    /// Write the figures as one JSON object
    #[arg(long, value_name = "PATH")]
    pub json: Option<PathBuf>,
    /// Seed of generated weights and inputs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Options of the examples that read a sequence of tokens.
#[derive(Args, Clone, Debug, Default)]
pub struct SequenceOptions {
    /// Tokens [default: the model's]
    #[arg(long, value_name = "N")]
    pub seq: Option<NonZeroUsize>,
    /// Layers [default: the model's]
    #[arg(long, value_name = "N")]
    pub layers: Option<NonZeroUsize>,
    #[command(flatten)]
    pub common: Options,
}

impl Options {
    /// [`start_threads`] of `--threads`.
    pub fn start_threads(&self) -> Result<usize, rayon::ThreadPoolBuildError> {
        start_threads(self.threads)
    }
}

/// Sizes the global thread pool and says how many threads it has. Call it once, before any proving: a pool that has started
/// keeps its size.
pub fn start_threads(threads: Option<NonZeroUsize>) -> Result<usize, rayon::ThreadPoolBuildError> {
    if let Some(n) = threads {
        rayon::ThreadPoolBuilder::new().num_threads(n.get()).build_global()?;
    }
    Ok(rayon::current_num_threads())
}

impl SequenceOptions {
    /// Tokens, `default` if not given.
    pub fn seq_or(&self, default: usize) -> usize {
        self.seq.map_or(default, NonZeroUsize::get)
    }

    /// Layers, `default` if not given.
    pub fn layers_or(&self, default: usize) -> usize {
        self.layers.map_or(default, NonZeroUsize::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{error::ErrorKind, Parser};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        options: SequenceOptions,
    }

    fn parse(args: &str) -> Result<SequenceOptions, clap::Error> {
        Cli::try_parse_from(["example"].into_iter().chain(args.split_whitespace())).map(|c| c.options)
    }

    #[test]
    fn defaults() {
        let o = parse("").unwrap();
        assert_eq!((o.seq_or(64), o.layers_or(12), o.common.seed), (64, 12, 0));
        assert!(o.common.threads.is_none() && o.common.security.is_none() && o.common.json.is_none());
    }

    #[test]
    fn all_given() {
        let o = parse("--seq 16 --layers 3 --threads 2 --security fast --weights w --json out.json --seed 7")
            .unwrap();
        assert_eq!((o.seq_or(64), o.layers_or(12), o.common.seed), (16, 3, 7));
        assert_eq!(o.common.threads.map(NonZeroUsize::get), Some(2));
        assert_eq!(o.common.security.as_deref(), Some("fast"));
        assert_eq!(o.common.weights, Some(PathBuf::from("w")));
        assert_eq!(o.common.json, Some(PathBuf::from("out.json")));
    }

    #[test]
    fn zeros_are_refused() {
        for args in ["--seq 0", "--layers 0", "--threads 0"] {
            assert_eq!(parse(args).unwrap_err().kind(), ErrorKind::ValueValidation, "{args}");
        }
    }
}
