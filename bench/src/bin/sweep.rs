//! Proves GPT-2 over its sizes: what a token, a layer and a weight cost, and how near the estimates come.
//!
//! ```sh
//! cargo run --release -p zkml-bench --bin sweep -- --out docs/sweep
//! cargo run --release -p zkml-bench --bin sweep -- --out docs/sweep --redraw
//! ```

use clap::Parser;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zkml_bench::sweep::child::{answer, Order};
use zkml_bench::sweep::{parent, plot, summary, table, Grid, Row, SweepError};
use zkml_dsl::atomic_write;

/// Prove GPT-2 over its sizes, to a table, plots and a fit
#[derive(Parser)]
struct Cli {
    /// The folder of `sweep.csv`, `fit.md` and the plots
    #[arg(long, value_name = "FOLDER", required_unless_present = "child")]
    out: Option<PathBuf>,
    /// A tiny model: to see that the sweep works
    #[arg(long)]
    quick: bool,
    /// Proofs of each point, of which the median counts
    #[arg(long, value_name = "N", default_value = "3")]
    runs: NonZeroUsize,
    /// Refuse points that need more memory than this, by the cost model
    #[arg(long, value_name = "N")]
    memory_limit_gib: Option<u64>,
    /// Prove nothing: plots and fit of the table that is there
    #[arg(long)]
    redraw: bool,
    /// Measure one point and print its row: how this program calls itself
    #[arg(long, value_name = "ORDER", hide = true)]
    child: Option<String>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), SweepError> {
    if let Some(order) = &cli.child {
        return answer(order);
    }
    // Without a child there is a folder: clap asks for one of the two.
    let out = cli.out.as_deref().unwrap_or(Path::new("."));
    let grid = if cli.quick { Grid::quick() } else { Grid::full() };
    std::fs::create_dir_all(out).map_err(|source| SweepError::Write { path: out.to_owned(), source })?;
    let csv = out.join("sweep.csv");
    let rows = if cli.redraw { table::read(&csv)? } else { sweep(cli, &grid, &csv)? };
    let fit = summary::markdown(&rows, &grid.base);
    println!("\n{fit}");
    let path = out.join("fit.md");
    atomic_write(&path, |w| w.write_all(fit.as_bytes()))
        .map_err(|source| SweepError::Write { path: path.clone(), source })?;
    for file in [csv, path].into_iter().chain(plot::write(out, &rows, &grid.base)?) {
        println!("{}", file.display());
    }
    Ok(())
}

/// All points, one process after the other. The table is written anew after each: a sweep takes long, and may be stopped.
fn sweep(cli: &Cli, grid: &Grid, csv: &Path) -> Result<Vec<Row>, SweepError> {
    let program = std::env::current_exe().map_err(SweepError::Start)?;
    let limit = cli.memory_limit_gib.map(|gib| gib.saturating_mul(1 << 30));
    let mut rows = vec![];
    for point in grid.points() {
        let row = parent::ask(&program, &Order { point, runs: cli.runs.get(), limit })?;
        let line = row.line();
        rows.push(row);
        table::write(csv, &rows)?;
        println!("{line}");
    }
    Ok(rows)
}
