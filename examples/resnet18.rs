//! Proves ResNet-18 on an image of 32 x 32 in three colours, as CIFAR-10 has them.
//!
//! ```sh
//! cargo run --release --example resnet18 -- --json resnet18.json
//! cargo run --release --example resnet18 -- --weights resnet18.safetensors
//! ```
//!
//! Weights are seeded, or those of a torchvision checkpoint whose first convolution is 3 x 3; the picture is seeded.

use clap::Parser;
use std::process::ExitCode;
use zkml_dsl::prelude::*;
use zkml_dsl::units::{to_real, to_units};
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_examples::options::Options;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_models::metrics::{max_abs_error, relative_rms_error};
use zkml_models::reference;
use zkml_models::seeded::{self, picture};
use zkml_models::vision::resnet18::{import, resnet18};

/// Prove and verify ResNet-18 on a picture of 32 x 32
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

/// Pictures that the scales are chosen from; none of them is the proven one.
const SAMPLES: u64 = 8;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let options = Cli::parse().options;
    let session = Session::start(&options)?;
    let dims = resnet18::Dims::default();
    let weights = match &options.weights {
        Some(path) => FloatWeights::open(path)?,
        None => seeded::resnet18(dims.C, dims.CLASSES, options.seed),
    };
    let input = picture(options.seed);
    let float = reference::resnet18(&weights, &input, dims.C, dims.CLASSES)?;
    let weights = import(weights)?;
    let sample = |i| vec![FloatTensor::new(Shape::new([3, 32, 32]), picture(options.seed + i))];
    let samples: Vec<_> = (1..=SAMPLES).map(sample).collect();

    let instance = resnet18::with(dims)?.at_level(session.level()).on(session.backend());
    let (model, (_, logits, proof, _), times) = session.measure(
        || instance.calibrate(&weights, &samples),
        |model| {
            let x = Tensor::from_int(to_units(instance.graph(), model.as_ref().params(), 0, &input)?)?;
            let (logits, proof) = model.prove(&x)?;
            Ok((x, logits, proof, model.verifier_key()))
        },
        |(x, logits, proof, key)| Ok(instance.verify(key, x, logits, proof)?),
    )?;

    let got = to_real(instance.graph(), model.as_ref().params(), 0, &logits)?.data;
    let max_abs_err = max_abs_error(&got, &float);
    let subject =
        Subject { name: "resnet18", seq: 1, layers: 18, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    session.accuracy(model.as_ref(), &weights, &samples)?;
    println!("  {:<24} {:>12.2} %", "relative error (rms)", 100.0 * relative_rms_error(&got, &float));
    Ok(())
}
