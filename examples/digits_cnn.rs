//! Classifies a handwritten digit with a small convolutional network, proves it and verifies the proof.
//!
//! ```sh
//! cargo run --release --example digits_cnn
//! cargo run --release --example digits_cnn -- --image 7
//! cargo run --release --example digits_cnn -- --all
//! ```

use clap::Parser;
use std::process::ExitCode;
use zkml_examples::classify::{self, DigitsOptions};
use zkml_examples::session::{exit, Failure};

/// Prove and verify the classification of a handwritten digit by a small convolutional network
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
    classify::cnn()?.run(&options)
}
