//! Classifies a handwritten digit, proves it and verifies the proof.
//!
//! ```sh
//! cargo run --release --example mlp_digits
//! cargo run --release --example mlp_digits -- --image 7
//! cargo run --release --example mlp_digits -- --all
//! ```

use clap::Parser;
use std::process::ExitCode;
use zkml_examples::classify::{self, DigitsOptions};
use zkml_examples::session::{exit, Failure};

/// Prove and verify the classification of a handwritten digit by a perceptron
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: DigitsOptions,
}

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let options = Cli::parse().options;
    classify::mlp()?.run(&options)
}
