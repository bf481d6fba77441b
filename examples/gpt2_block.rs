//! Proves GPT-2 blocks (d = 768, 12 heads) and verifies the proof.
//!
//! ```sh
//! cargo run --release --example gpt2_block -- --seq 64 --json gpt2.json
//! ```
//!
//! Weights are seeded, or those of a Hugging Face file with `--weights model.safetensors` (`h.0.*` for one layer). The
//! input is seeded: a residual stream as it is before the first block.

use clap::Parser;
use std::process::ExitCode;
use zkml_dsl::prelude::*;
use zkml_dsl::units::{to_real, to_units};
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_examples::options::SequenceOptions;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_models::gpt2::{fold, gpt2_blocks};
use zkml_models::metrics::{max_abs_error, relative_rms_error};
use zkml_models::reference::{Gelu, Gpt2Block};
use zkml_models::seeded::{gpt2_input, gpt2_weights, select_gpt2, BASE};

/// Prove and verify GPT-2 blocks
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: SequenceOptions,
}

/// Inputs that the scales are chosen from; none of them is the proven one.
const SAMPLES: u64 = 3;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let options = Cli::parse().options;
    let (common, seq, layers) = (&options.common, options.seq_or(64), options.layers_or(1));
    let session = Session::start(common)?;
    let mut weights = match &common.weights {
        Some(path) => select_gpt2(FloatWeights::open(path)?, layers)?,
        None => gpt2_weights(BASE, layers, common.seed),
    };
    let input = gpt2_input(BASE, seq, common.seed);
    let reference = (0..layers).try_fold(input.clone(), |x, l| {
        Gpt2Block::new(&weights, &format!("h.{l}"), BASE.heads).map(|b| b.forward(&x, Gelu::Tanh))
    })?;
    fold(&mut weights, layers)?;
    let sample = |i| vec![FloatTensor::new(Shape::new([seq, BASE.d]), gpt2_input(BASE, seq, i))];
    let samples: Vec<_> = (1..=SAMPLES).map(|i| sample(common.seed + i)).collect();

    let block = gpt2_blocks::with(gpt2_blocks::Dims { SEQ: seq, L: layers, ..Default::default() })?
        .at_level(session.level())
        .on(session.backend());
    let quantised = |model: &gpt2_blocks::Model| {
        Tensor::from_int(to_units(block.graph(), model.as_ref().params(), 0, &input)?)
    };
    let (model, (_, y, proof, _), times) = session.measure(
        || block.calibrate(&weights, &samples),
        |model| {
            let x = quantised(model)?;
            let (y, proof) = model.prove(&x)?;
            Ok((x, y, proof, model.verifier_key()))
        },
        |(x, y, proof, key)| Ok(block.verify(key, x, y, proof)?),
    )?;

    let got = to_real(block.graph(), model.as_ref().params(), 0, &y)?.data;
    let max_abs_err = max_abs_error(&got, &reference);
    let subject =
        Subject { name: "gpt2_block", seq, layers, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    session.accuracy(model.as_ref(), &weights, &samples)?;
    println!("  {:<24} {:>12.2} %", "relative error (rms)", 100.0 * relative_rms_error(&got, &reference));
    Ok(())
}
