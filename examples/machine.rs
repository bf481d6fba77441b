//! How fast this machine proves, by a probe of two seconds.
//!
//! ```sh
//! cargo run --release --example machine -- --out machine.json
//! ZKML_MACHINE=$PWD/machine.json cargo build      # reports estimate for it
//! ```

use clap::Parser;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use zkml_dsl::engine::{probe_machine, Machine};
use zkml_examples::options::start_threads;
use zkml_examples::session::{exit, Failure};

/// Probe the machine that reports estimate for
#[derive(Parser)]
struct Cli {
    /// Threads to probe [default: all]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Write the machine as a JSON object, for `ZKML_MACHINE`
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let cli = Cli::parse();
    start_threads(cli.threads)?;
    let machine = probe_machine();
    let reference = Machine::REFERENCE;
    println!("{:<20} {:>10} {:>10}", "", "here", "reference");
    println!("{:<20} {:>10} {:>10}", "threads", machine.threads, reference.threads);
    for (name, here, there) in [
        ("committed cell", machine.ns_cell, reference.ns_cell),
        ("lookup", machine.ns_lookup, reference.ns_lookup),
    ] {
        println!("{name:<20} {here:>7.2} ns {there:>7.2} ns");
    }
    if let Some(path) = cli.out {
        zkml_dsl::atomic_write(&path, |w| {
            serde_json::to_writer_pretty(&mut *w, &machine)?;
            writeln!(w)
        })?;
    }
    Ok(())
}
