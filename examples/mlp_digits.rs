//! Classifies a handwritten digit, proves it and verifies the proof.
//!
//! ```sh
//! cargo run --release --example mlp_digits
//! cargo run --release --example mlp_digits -- --image 7
//! cargo run --release --example mlp_digits -- --all
//! ```

use clap::Parser;
use std::process::ExitCode;
use zkml_dsl::units::to_real;
use zkml_dsl::weights::{FloatTensor, FloatWeights};
use zkml_examples::options::Options;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_models::digits::{argmax, data_path, draw, Digits, FloatMlp};
use zkml_models::metrics::max_abs_error;
use zkml_models::mlp_digits::{accuracy, image, mlp_digits, sample};

/// Prove and verify the classification of a handwritten digit
#[derive(Parser)]
struct Cli {
    /// Which image of the test split
    #[arg(long, value_name = "N", default_value_t = 0)]
    image: usize,
    /// Compare the accuracy of the integers with that of the float model, over the whole test split
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let cli = Cli::parse();
    let session = Session::start(&cli.options)?;
    let digits = Digits::test_split()?;
    let (Some(pixels), Some(label)) = (digits.images.get(cli.image), digits.labels.get(cli.image)) else {
        return Err(format!("image {} of {}", cli.image, digits.images.len()).into());
    };
    let weights =
        FloatWeights::open(cli.options.weights.clone().unwrap_or_else(|| data_path("digits.safetensors")))?;
    let float = FloatMlp::new(&weights)?;
    // Scales from the other images.
    let others = digits.images.iter().enumerate().filter(|(i, _)| *i != cli.image).map(|(_, p)| p);
    let samples: Vec<Vec<FloatTensor>> = others.take(64).map(sample).collect();

    let mlp = mlp_digits::with(mlp_digits::Dims::default())?.at_level(session.level());
    let (model, (x, logits, proof, _), times) = session.measure(
        || mlp.calibrate(&weights, &samples),
        |model| {
            let x = image(mlp.graph(), model.as_ref().params(), pixels)?;
            let (logits, proof) = model.prove(&x)?;
            Ok((x, logits, proof, model.verifier_key()))
        },
        |(x, logits, proof, key)| Ok(mlp.verify(key, x, logits, proof)?),
    )?;
    assert_eq!(model.run(&x)?, logits);

    print!("{}", draw(pixels));
    let digit = argmax(&logits.to_vec()).unwrap_or_default();
    println!("label {label}, proven prediction {digit}\n");
    let got = to_real(mlp.graph(), model.as_ref().params(), 0, &logits)?.data;
    let max_abs_err = max_abs_error(&got, &float.logits(pixels));
    let subject =
        Subject { name: "mlp_digits", seq: 1, layers: 1, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    if cli.all {
        let (integers, floats) = accuracy(&mlp, &model, &float, &digits)?;
        let percent = |n: usize| 100.0 * n as f64 / digits.images.len() as f64;
        println!("accuracy over {} images:", digits.images.len());
        println!(
            "  integers {:.2} % ({integers}), float {:.2} % ({floats})",
            percent(integers),
            percent(floats)
        );
    }
    Ok(())
}
