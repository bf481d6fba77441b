//! Classifies a handwritten digit with LeNet-5, proves it and verifies the proof.
//!
//! ```sh
//! cargo run --release --example lenet5
//! cargo run --release --example lenet5 -- --image 7
//! cargo run --release --example lenet5 -- --all
//! ```

use clap::Parser;
use std::process::ExitCode;
use zkml_examples::classify::{self, DigitsOptions};
use zkml_examples::session::{exit, Failure};

/// Prove and verify the classification of a handwritten digit by LeNet-5
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
    classify::lenet5()?.run(&options)
}
