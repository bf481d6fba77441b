//! Proves GPT-2 whole: embeddings, every block, final norm, and the logits after the last token.
//!
//! ```sh
//! cargo run --release --example gpt2 -- --layers 12 --seq 64 --json out.json
//! cargo run --release --example gpt2 -- --weights model.safetensors
//! ```
//!
//! Weights are seeded in the shape of GPT-2 small, or those of a Hugging Face file, folder or index of any size. Tokens are
//! seeded; [`generate`](generate.rs) takes text.

use clap::Parser;
use std::process::ExitCode;
use zkml_dsl::prelude::*;
use zkml_dsl::units::to_real;
use zkml_dsl::weights::{FloatTensor, Shape};
use zkml_examples::gpt2::open;
use zkml_examples::options::SequenceOptions;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_models::gpt2::{gpt2, import};
use zkml_models::metrics::{max_abs_error, relative_rms_error};
use zkml_models::reference::gpt2_logits;
use zkml_models::seeded::tokens;

/// Prove and verify a whole GPT-2
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: SequenceOptions,
}

/// Sequences that the scales are chosen from; none of them is the proven one.
const SAMPLES: u64 = 3;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let options = Cli::parse().options;
    let (common, seq) = (&options.common, options.seq_or(64));
    let session = Session::start(common)?;
    let (file, config) = open(&options)?;
    let input = tokens(config.words, seq, common.seed);
    let reference = gpt2_logits(&file, &config, &input, 1)?;
    let (weights, config) = import(file, Some(config.layers))?;
    let sample = |i| tokens(config.words, seq, i).iter().map(|&t| t as f32).collect();
    let samples: Vec<_> =
        (1..=SAMPLES).map(|i| vec![FloatTensor::new(Shape::new([seq]), sample(common.seed + i))]).collect();

    let instance = gpt2::with(config.dims(seq))?.at_level(session.level()).on(session.backend());
    let (model, (_, logits, proof, _), times) = session.measure(
        || instance.calibrate(&weights, &samples),
        |model| {
            let x = Tensor::with_shape(&[seq], &input)?;
            let (logits, proof) = model.prove(&x)?;
            Ok((x, logits, proof, model.verifier_key()))
        },
        |(x, logits, proof, key)| Ok(instance.verify(key, x, logits, proof)?),
    )?;

    let got = to_real(instance.graph(), model.as_ref().params(), 0, &logits)?.data;
    let got = &got[..config.words];
    let max_abs_err = max_abs_error(got, &reference);
    let layers = config.layers;
    let subject = Subject { name: "gpt2", seq, layers, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    session.accuracy(model.as_ref(), &weights, &samples)?;
    println!("  {:<24} {:>12.2} %", "relative error (rms)", 100.0 * relative_rms_error(got, &reference));
    Ok(())
}
