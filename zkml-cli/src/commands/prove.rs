//! `zkml prove`: a run and its proof.

use crate::args::Prove;
use crate::commands::run::{named, real, table, Named};
use crate::commands::setup::save_keys;
use crate::failure::Outcome;
use crate::model::Model;
use crate::output::Output;
use crate::{files, report};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use zkml_dsl::engine::{Statement, StatementFile};

#[derive(Serialize)]
struct Proven {
    model: String,
    folder: PathBuf,
    prove_ms: f64,
    proof_bytes: usize,
    security_bits: f64,
    outputs: Vec<Named>,
}

pub fn run(a: &Prove, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &a.source)?;
    let (ready, floats) = model.set_up(None, None, &a.place)?;
    let floats = floats.filter(|_| a.report.is_some());
    let inputs = model.input(&ready, a.input.as_deref())?;
    let cost = ready.as_ref().cost().map_err(zkml_dsl::Error::from)?;
    output.progress.reset();
    output.progress.expect(Duration::from_secs_f64(cost.estimate.prove_ms / 1e3));
    let start = Instant::now();
    let (outputs, proof) = ready.prove(&inputs)?;
    let prove = start.elapsed();
    let phases = output.progress.phases();

    let ports = ready.graph().inputs.iter().zip(&inputs);
    let statement = StatementFile {
        model: ready.graph().name.clone(),
        statement: Statement {
            inputs: ports.map(|(p, x)| (!p.private).then(|| x.clone())).collect(),
            outputs: outputs.clone(),
        },
    };
    std::fs::create_dir_all(&a.out).map_err(|e| crate::failure::Failure::file(&a.out, e))?;
    let real = real(&ready, &outputs)?;
    files::write_npz(&a.out.join(files::OUTPUTS), &real)?;
    statement.save(a.out.join(files::STATEMENT))?;
    // Keys that lie in a model's folder already are the ones to trust.
    if !matches!(model, Model::Folder { .. }) {
        save_keys(&ready, &a.out)?;
    }
    // Last: a folder with a proof is complete.
    proof.save(a.out.join(files::PROOF))?;
    if let Some(path) = &a.report {
        let accuracy = model.accuracy(&ready, floats)?;
        let proven = report::Proven::new(&ready, &proof, prove, phases, accuracy)?;
        let page =
            report::page(&report::Page { cost: &cost, graph: Some(ready.graph()), proven: Some(&proven) });
        files::write(path, page.as_bytes())?;
    }
    let done = Proven {
        model: ready.graph().name.clone(),
        folder: a.out.clone(),
        prove_ms: prove.as_secs_f64() * 1e3,
        proof_bytes: proof.len(),
        security_bits: ready.as_ref().figures().security_bits,
        outputs: named(&real),
    };
    output.result(&done, || {
        format!(
            "{}: proven in {:.0} ms, {:.1} kB, {:.1} bits, in {}\n{}",
            done.model,
            done.prove_ms,
            done.proof_bytes as f64 / 1e3,
            done.security_bits,
            done.folder.display(),
            table(&done.outputs)
        )
    });
    Ok(())
}
