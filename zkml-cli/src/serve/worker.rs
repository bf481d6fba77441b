//! The thread that proves, one job after the other: a proof uses all threads by itself.

use super::store::{Job, State};
use super::Service;
use crate::commands::run::{named, real};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};
use zkml_dsl::engine::{Statement, StatementFile};
use zkml_ir::tensor::IntTensor;

/// Proofs of one job that are begun at most: one that kills the process would kill it forever.
const ATTEMPTS: u32 = 3;

pub fn run(service: &Service) {
    const PAUSE: Duration = Duration::from_millis(500);
    loop {
        {
            let stopping = service.stopping.lock().unwrap_or_else(|e| e.into_inner());
            if *stopping {
                return;
            }
        }
        let done = match service.store.begin() {
            Ok(Some((id, job))) => work(service, &id, job),
            Ok(None) => {
                let stopping = service.stopping.lock().unwrap_or_else(|e| e.into_inner());
                if !*stopping {
                    // A wake that came just before is made up for by the time-out.
                    drop(service.work.wait_timeout(stopping, PAUSE));
                }
                Ok(())
            }
            Err(e) => Err(e),
        };
        if let Err(e) = done {
            eprintln!("error: {e}");
            std::thread::sleep(PAUSE);
        }
    }
}

fn work(service: &Service, id: &str, mut job: Job) -> Result<(), super::store::StoreError> {
    if job.attempts > ATTEMPTS {
        job.state = State::Failed;
        job.error = Some(format!("{ATTEMPTS} proofs were begun and none ended"));
        return service.store.finish(id, &job);
    }
    let start = Instant::now();
    // A proof that panics is this job's failure, not the service's.
    let proven = catch_unwind(AssertUnwindSafe(|| prove(service, &job)));
    let proven = proven.unwrap_or_else(|_| Err("the prover stopped unexpectedly".into()));
    job.prove_ms = Some(start.elapsed().as_secs_f64() * 1e3);
    match proven {
        Ok((statement, proof, outputs)) => {
            job.state = State::Proven;
            (job.statement, job.proof) = (Some(hex::encode(statement)), Some(hex::encode(proof)));
            job.outputs = Some(outputs);
        }
        Err(e) => {
            job.state = State::Failed;
            job.error = Some(e);
        }
    }
    service.store.finish(id, &job)
}

type Proven = (Vec<u8>, Vec<u8>, serde_json::Value);

fn prove(service: &Service, job: &Job) -> Result<Proven, String> {
    let (model, graph) = (&service.model, service.model.graph());
    let tensor = |(port, values): (&zkml_ir::graph::Port, &Vec<i32>)| model.input(&port.name, values);
    let inputs: Vec<IntTensor> = graph
        .inputs
        .iter()
        .zip(&job.inputs)
        .map(tensor)
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    let (outputs, proof) = model.prove(&inputs).map_err(|e| e.to_string())?;
    let ports = graph.inputs.iter().zip(&inputs);
    let statement = StatementFile {
        model: graph.name.clone(),
        statement: Statement {
            inputs: ports.map(|(p, x)| (!p.private).then(|| x.clone())).collect(),
            outputs: outputs.clone(),
        },
    };
    let real = real(model, &outputs).map_err(|e| e.message)?;
    let outputs = serde_json::to_value(named(&real)).map_err(|e| e.to_string())?;
    Ok((statement.to_bytes(), proof.to_bytes(), outputs))
}
