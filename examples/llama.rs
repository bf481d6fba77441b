//! Proves a Llama whole: embedding, every block, final norm, and the logits after the last token.
//!
//! ```sh
//! cargo run --release --example llama -- --layers 2 --seq 64 --json out.json
//! cargo run --release --example llama -- --weights SmolLM2-135M
//! ```
//!
//! Weights are seeded in the shape of `--model`, or those of a Hugging Face file, folder or index of any size with a tied
//! output embedding; a `config.json` beside them says how many heads there are and how they turn. Tokens are seeded.

use clap::{Parser, ValueEnum};
use std::process::ExitCode;
use zkml_dsl::prelude::*;
use zkml_dsl::units::to_real;
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_examples::checkpoint::{config_json, llama_config};
use zkml_examples::limits;
use zkml_examples::options::SequenceOptions;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_models::llama::{import, llama, rename, Config};
use zkml_models::metrics::{common_top, cosine, max_abs_error, relative_rms_error};
use zkml_models::reference::llama_logits;
use zkml_models::seeded::{llama_model, tokens};

/// Prove and verify a whole Llama
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: SequenceOptions,
    /// The shape of seeded weights
    #[arg(long, value_enum, default_value_t, conflicts_with = "weights")]
    model: Shapes,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Shapes {
    #[default]
    #[value(name = "smollm2-135m")]
    SmolLm2,
    #[value(name = "llama-3.2-1b")]
    Llama32,
}

/// Sequences that the scales are chosen from; none of them is the proven one.
const SAMPLES: u64 = 3;
/// How many of the most likely tokens are compared.
const TOP: usize = 5;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let Cli { options, model } = Cli::parse();
    let (common, seq) = (&options.common, options.seq_or(64));
    let session = Session::start(common)?;
    let file = match &common.weights {
        Some(path) => {
            let mut w = FloatWeights::open(path)?;
            rename(&mut w)?;
            Some(w)
        }
        None => None,
    };
    let mut config = match (&file, model) {
        (Some(w), _) => Config::of(w)?,
        (None, Shapes::SmolLm2) => Config::SMOLLM2_135M,
        (None, Shapes::Llama32) => Config::LLAMA_3_2_1B,
    };
    if let Some(path) = common.weights.as_deref().and_then(config_json) {
        config = llama_config(config, &std::fs::read_to_string(path)?)?;
    }
    config.layers = options.layers_or(config.layers).min(config.layers);
    let instance = llama::with(config.dims(seq))?.at_level(session.level()).on(session.backend());
    limits::lookups(instance.graph())?;
    limits::memory(instance.graph(), session.level())?;

    let file = file.unwrap_or_else(|| llama_model(config, common.seed));
    let input = tokens(config.words, seq, common.seed);
    let reference = llama_logits(&file, &config, &input)?;
    let weights = import(file, &config)?;
    let sample = |i| tokens(config.words, seq, i).iter().map(|&t| t as f32).collect();
    let samples: Vec<_> =
        (1..=SAMPLES).map(|i| vec![FloatTensor::new(Shape::new([seq]), sample(common.seed + i))]).collect();
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
    let subject = Subject { name: "llama", seq, layers, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    session.accuracy(model.as_ref(), &weights, &samples)?;
    println!("  {:<24} {:>12.2} %", "relative error (rms)", 100.0 * relative_rms_error(got, &reference));
    println!("  {:<24} {:>14.6}", "cosine", cosine(got, &reference));
    println!("  {:<24} {:>9} of {TOP}", "most likely tokens", common_top(got, &reference, TOP));
    Ok(())
}
