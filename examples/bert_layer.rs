//! Proves BERT-base encoder layers (d = 768, 12 heads) and verifies the proof.
//!
//! ```sh
//! cargo run --release --example bert_layer -- --seq 128 --json bert.json
//! ```
//!
//! Weights are seeded, or those of a Hugging Face file with `--weights model.safetensors` (`encoder.layer.0.*` for one
//! layer). The input is seeded, and the last quarter of its tokens is padding.

use clap::Parser;
use std::process::ExitCode;
use zkml_dsl::prelude::*;
use zkml_dsl::units::{to_real, to_units};
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_examples::options::SequenceOptions;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_models::bert::bert;
use zkml_models::metrics::{max_abs_error, relative_rms_error};
use zkml_models::reference::BertLayer;
use zkml_models::seeded::{bert_input, bert_weights, select_bert, BASE};

/// Prove and verify BERT encoder layers
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
    let (common, seq, layers) = (&options.common, options.seq_or(128), options.layers_or(1));
    let session = Session::start(common)?;
    let weights = match &common.weights {
        Some(path) => select_bert(FloatWeights::open(path)?, layers)?,
        None => bert_weights(BASE, layers, common.seed),
    };
    let input = bert_input(BASE, seq, common.seed);
    let tokens: Vec<bool> = (0..seq).map(|i| i < seq - seq / 4).collect();
    let reference = (0..layers).try_fold(input.clone(), |x, l| {
        let layer = BertLayer::new(&weights, &format!("encoder.layer.{l}"), BASE.heads);
        layer.map(|layer| layer.forward(&x, &tokens))
    })?;
    let mask: Vec<f32> = tokens.iter().map(|&t| f32::from(t)).collect();
    let sample = |i| {
        let x = FloatTensor::new(Shape::new([seq, BASE.d]), bert_input(BASE, seq, i));
        vec![x, FloatTensor::new(Shape::new([seq]), mask.clone())]
    };
    let samples: Vec<_> = (1..=SAMPLES).map(|i| sample(common.seed + i)).collect();

    let layer = bert::with(bert::Dims { SEQ: seq, L: layers, ..Default::default() })?
        .at_level(session.level())
        .on(session.backend());
    let (model, (_, _, y, proof, _), times) = session.measure(
        || layer.calibrate(&weights, &samples),
        |model| {
            let units = |i, values| to_units(layer.graph(), model.as_ref().params(), i, values);
            let (x, mask) = (Tensor::from_int(units(0, &input)?)?, Tensor::from_int(units(1, &mask)?)?);
            let (y, proof) = model.prove(&x, &mask)?;
            Ok((x, mask, y, proof, model.verifier_key()))
        },
        |(x, mask, y, proof, key)| Ok(layer.verify(key, x, mask, y, proof)?),
    )?;

    let got = to_real(layer.graph(), model.as_ref().params(), 0, &y)?.data;
    let max_abs_err = max_abs_error(&got, &reference);
    let subject =
        Subject { name: "bert_layer", seq, layers, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    session.accuracy(model.as_ref(), &weights, &samples)?;
    println!("  {:<24} {:>12.2} %", "relative error (rms)", 100.0 * relative_rms_error(&got, &reference));
    Ok(())
}
