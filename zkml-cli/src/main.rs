//! `zkml`: the life of a model and a proof.
//!
//! * `args`: what can be typed; `failure`: exit codes; `output`: for people or as JSON;
//! * `model`: what MODEL means; `commands`: one file for each command;
//! * `report`: pages with charts; `serve`: proofs over HTTP.

mod args;
mod commands;
mod failure;
mod files;
mod model;
mod output;
mod report;
mod serve;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use failure::{Code, Failure, Outcome};
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are no mistakes.
        Err(e) => {
            let _ = e.print();
            let code = if e.use_stderr() { Code::Usage as u8 } else { 0 };
            return ExitCode::from(code);
        }
    };
    let output = Output::new(cli.json);
    match run(cli, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.fail(&failure);
            failure.exit()
        }
    }
}

fn run(cli: Cli, output: &Output) -> Outcome {
    if let Some(n) = cli.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n.get()).build_global();
        pool.map_err(|e| Failure::new(Code::Resources, e))?;
    }
    match cli.command {
        Command::Import(a) => commands::import::run(&a, output),
        Command::Calibrate(a) => commands::calibrate::run(&a, output),
        Command::Cost(a) => commands::cost::run(&a, output),
        Command::Setup(a) => commands::setup::run(&a, output),
        Command::Run(a) => commands::run::run(&a, output),
        Command::Prove(a) => commands::prove::run(&a, output),
        Command::Verify(a) => commands::verify::run(&a, output),
        Command::Inspect(a) => commands::inspect::run(&a, output),
        Command::Bench(a) => commands::bench::run(&a, output),
        Command::Export(a) => commands::export::run(&a, output),
        Command::Serve(a) => serve::run(&a, output),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "zkml", &mut std::io::stdout());
            Ok(())
        }
        Command::Man => Ok(clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?),
    }
}
