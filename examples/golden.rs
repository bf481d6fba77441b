//! Makes the golden proofs anew.
//!
//! ```sh
//! cargo run --release --example golden
//! ```

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use zkml_examples::golden::{folder, make, Outcome, MODELS};
use zkml_examples::session::{exit, Failure};

/// Make the golden proofs that every later version must verify
#[derive(Parser)]
struct Cli {
    /// Where to write them
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let out = Cli::parse().out.unwrap_or_else(folder);
    for name in MODELS {
        let what = match make(name)?.store(&out.join(name))? {
            Outcome::Unchanged => "unchanged",
            Outcome::Written => "written",
        };
        println!("{name:<12} {what}");
    }
    Ok(())
}
