//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

/// Proofs that a neural network was run
///
/// MODEL is an ONNX file, a graph as JSON, or the folder that `zkml setup` writes.
///
/// Exit codes: 0 done or verified, 1 a proof is refused, 2 wrong arguments, 3 a file or a value cannot be used, 4 memory, disk or a
/// device is lacking.
#[derive(Debug, Parser)]
#[command(name = "zkml", version, arg_required_else_help = true)]
pub struct Cli {
    /// Print results as one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// Threads to work with [default: all]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write an ONNX file as a Rust function, and its weights beside it
    Import(Import),
    /// Choose scales from samples and write the integer model
    Calibrate(Calibrate),
    /// Say what a proof will cost
    Cost(Cost),
    /// Commit to a model: what proofs and their verification need
    Setup(Setup),
    /// Run the integers, without a proof
    Run(Run),
    /// Run a model and prove it
    Prove(Prove),
    /// Check a proof
    Verify(Verify),
    /// Say what a file says of itself
    Inspect(Inspect),
    /// Measure setup, proof and verification
    Bench(Bench),
    /// Write what another program embeds: a portable key, a certificate, golden vectors
    Export(Export),
    /// Prove over HTTP
    Serve(Serve),
    /// Write completions for a shell
    Completions { shell: Shell },
    /// Write the man page
    Man,
}

/// Where proofs are made
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

/// Bits of what products read and of weights
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// Fewer lookups, a little more cells, two to three times the error
    #[value(name = "8")]
    Eight,
    #[default]
    #[value(name = "12")]
    Twelve,
}

/// What an ONNX file leaves open.
#[derive(Args, Clone, Debug, Default)]
pub struct Source {
    /// Inputs as an npz file: arrays by name, one sample or several along a first axis
    #[arg(long, value_name = "NPZ")]
    pub samples: Option<PathBuf>,
    /// An input that is this number everywhere and no input of the model: `sr=16000`
    #[arg(long = "constant", value_name = "NAME=NUMBER", value_parser = pair::<f64>)]
    pub constants: Vec<(String, f64)>,
    /// The extent of a named dimension: `batch=1`
    #[arg(long = "dim", value_name = "NAME=EXTENT", value_parser = pair::<usize>)]
    pub dims: Vec<(String, usize)>,
    /// Bits of activations and weights
    #[arg(long, value_enum, default_value_t)]
    pub bits: Bits,
}

fn pair<T: std::str::FromStr>(text: &str) -> Result<(String, T), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let value = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    Ok((name.to_owned(), value))
}

#[derive(Args, Debug)]
pub struct Import {
    /// An ONNX file
    pub model: PathBuf,
    #[command(flatten)]
    pub source: Source,
    /// Where to write the function
    #[arg(long, value_name = "RS")]
    pub out: PathBuf,
    /// Where to write the weights [default: beside the function]
    #[arg(long, value_name = "SAFETENSORS")]
    pub weights: Option<PathBuf>,
    /// Outputs that another runtime gave for the samples, as an npz file: prints how far the import and its integers are from them
    #[arg(long, value_name = "NPZ", requires = "samples")]
    pub expected: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Calibrate {
    pub model: PathBuf,
    #[command(flatten)]
    pub source: Source,
    /// Float weights, for a graph as JSON
    #[arg(long, value_name = "SAFETENSORS")]
    pub weights: Option<PathBuf>,
    /// The folder to write the graph and its integers to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

#[derive(Args, Debug)]
pub struct Cost {
    /// An ONNX file, a graph or a report as JSON, or a model's folder
    pub model: PathBuf,
    #[command(flatten)]
    pub source: Source,
    /// Write a page with charts
    #[arg(long, value_name = "HTML")]
    pub html: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct Where {
    /// Where to prove
    #[arg(long, value_enum, default_value_t)]
    pub backend: On,
    /// Security level by name [default: the proven one]
    #[arg(long, value_name = "LEVEL")]
    pub security: Option<String>,
}

#[derive(Args, Debug)]
pub struct Setup {
    /// An ONNX file, a graph as JSON, or a folder that `calibrate` wrote
    pub model: PathBuf,
    #[command(flatten)]
    pub source: Source,
    /// Float weights, for a graph as JSON
    #[arg(long, value_name = "SAFETENSORS")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub place: Where,
    /// The folder to write to [default: the model's folder]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Run {
    pub model: PathBuf,
    #[command(flatten)]
    pub source: Source,
    /// Inputs as an npz file [default: the first sample]
    #[arg(long, value_name = "NPZ")]
    pub input: Option<PathBuf>,
    /// Write the outputs as real numbers
    #[arg(long, value_name = "NPZ")]
    pub output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Prove {
    pub model: PathBuf,
    #[command(flatten)]
    pub source: Source,
    /// Inputs as an npz file [default: the first sample]
    #[arg(long, value_name = "NPZ")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub place: Where,
    /// The folder to write proof, statement, and for a model that is no folder its keys to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Write a page with charts
    #[arg(long, value_name = "HTML")]
    pub report: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Verify {
    /// The folder that `prove` wrote, or a proof
    pub proof: PathBuf,
    /// [default: beside the proof]
    #[arg(long, value_name = "FILE")]
    pub statement: Option<PathBuf>,
    /// The model's folder: its key and certificate [default: those beside the proof]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["key", "certificate"])]
    pub model: Option<PathBuf>,
    /// A portable key
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Take keys of this level, which may be a conjectured one [default: the proven ones alone]
    #[arg(long, value_name = "LEVEL")]
    pub accept: Option<String>,
}

#[derive(Args, Debug)]
pub struct Inspect {
    /// A proof, statement, certificate or key, or a folder of them
    pub path: PathBuf,
    /// The folder with the portable key that tells a proof's parts [default: where the proof lies]
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Bench {
    pub model: PathBuf,
    #[command(flatten)]
    pub source: Source,
    #[arg(long, value_name = "NPZ")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub place: Where,
    /// Proofs to make
    #[arg(long, value_name = "N", default_value = "5")]
    pub runs: NonZeroUsize,
}

#[derive(Args, Debug)]
pub struct Export {
    /// The folder of a model
    pub model: PathBuf,
    /// Inputs of the golden vectors
    #[arg(long, value_name = "NPZ")]
    pub input: PathBuf,
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The folder of a model
    #[arg(long, value_name = "FOLDER")]
    pub model: PathBuf,
    #[command(flatten)]
    pub place: Where,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where jobs are kept [default: jobs.redb in the model's folder]
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// File with the token that requests bear [default: the variable ZKML_TOKEN; without either, none is asked for]
    #[arg(long, value_name = "FILE")]
    pub token: Option<PathBuf>,
    /// Jobs that may wait; one more is answered 429
    #[arg(long, value_name = "N", default_value = "16")]
    pub queue: NonZeroUsize,
    /// Longest body of a request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    pub max_body: usize,
    /// Requests with a body that are read and answered at once; one more is answered 429
    #[arg(long, value_name = "N", default_value = "32")]
    pub at_once: NonZeroUsize,
    /// Seconds for a request to come and to be answered, and for requests under way when the service stops
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub patience: NonZeroU64,
}
