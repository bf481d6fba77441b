//! `zkml bench`: medians of several proofs.

use crate::args::Bench;
use crate::failure::{Failure, Outcome};
use crate::model::Model;
use crate::output::Output;
use serde::Serialize;
use std::time::Instant;

#[derive(Serialize)]
struct Figures {
    model: String,
    threads: usize,
    runs: usize,
    setup_ms: f64,
    prove_ms: f64,
    prove_least_ms: f64,
    prove_largest_ms: f64,
    verify_ms: f64,
    check_key_ms: f64,
    proof_bytes: usize,
    security_bits: f64,
    committed_cells: u64,
    lookups: u64,
}

pub fn run(a: &Bench, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &a.source)?;
    let start = Instant::now();
    let (ready, _) = model.set_up(None, None, &a.place)?;
    let setup_ms = ms(start);
    let inputs = model.input(&ready, a.input.as_deref())?;
    let instance = crate::model::at(model.instance()?, &a.place)?;
    let key = ready.verifier_key();
    let (mut prove, mut verify, mut check_key_ms, mut proof_bytes) = (vec![], vec![], 0.0, 0);
    for k in 0..a.runs.get() {
        let _span = tracing::info_span!("proof", step = k, of = a.runs.get()).entered();
        let start = Instant::now();
        let (outputs, proof) = ready.prove(&inputs)?;
        prove.push(ms(start));
        proof_bytes = proof.len();
        let public: Vec<_> = ready
            .graph()
            .inputs
            .iter()
            .zip(&inputs)
            .filter(|(p, _)| !p.private)
            .map(|(_, x)| x.clone())
            .collect();
        let start = Instant::now();
        instance.verify(&key, &public, &outputs, &proof)?;
        // The first use of a key checks it.
        match k {
            0 => check_key_ms = ms(start),
            _ => verify.push(ms(start)),
        }
        if k == 0 {
            let start = Instant::now();
            instance.verify(&key, &public, &outputs, &proof)?;
            verify.push(ms(start));
        }
    }
    let figures = ready.as_ref().figures();
    let median = |v: &mut Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    };
    let verify_ms = median(&mut verify);
    let done = Figures {
        model: ready.graph().name.clone(),
        threads: rayon::current_num_threads(),
        runs: a.runs.get(),
        setup_ms,
        prove_ms: median(&mut prove),
        prove_least_ms: *prove.first().ok_or_else(|| Failure::usage("no runs"))?,
        prove_largest_ms: prove[prove.len() - 1],
        verify_ms,
        check_key_ms: (check_key_ms - verify_ms).max(0.0),
        proof_bytes,
        security_bits: figures.security_bits,
        committed_cells: figures.committed_cells,
        lookups: figures.lookups,
    };
    output.result(&done, || {
        format!(
            "{}: {} proofs on {} threads\n  setup     {:.0} ms\n  prove     {:.1} ms ({:.1} to {:.1})\n  verify    {:.1} ms, and {:.1} ms once for a key\n  \
             proof     {:.1} kB, {:.1} bits\n  {} cells, {} lookups\n",
            done.model,
            done.runs,
            done.threads,
            done.setup_ms,
            done.prove_ms,
            done.prove_least_ms,
            done.prove_largest_ms,
            done.verify_ms,
            done.check_key_ms,
            done.proof_bytes as f64 / 1e3,
            done.security_bits,
            done.committed_cells,
            done.lookups
        )
    });
    Ok(())
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
