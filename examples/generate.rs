//! Goes on with a prompt by greedy decoding with GPT-2, and proves every token of the answer in one proof.
//!
//! ```sh
//! cargo run --release --example generate -- --answer 16
//! cargo run --release --example generate -- --weights gpt2 --prompt "The capital of France is"
//! ```
//!
//! `--weights` names a Hugging Face folder with `model.safetensors` and, for a prompt in words, `tokenizer.json`. Without
//! it weights are seeded in the shape of GPT-2 small, and the prompt is seeded tokens or those of `--tokens`.

use clap::Parser;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use zkml_dsl::weights::{FloatTensor, Shape};
use zkml_examples::gpt2::open;
use zkml_examples::options::SequenceOptions;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_examples::text::Tokens;
use zkml_models::gpt2::{generate, gpt2_greedy, import};
use zkml_models::reference::gpt2_logits;
use zkml_models::seeded::tokens;
use zkml_models::vision::digits::argmax;

/// Prove and verify an answer of GPT-2, token by token the most likely
#[derive(Parser)]
struct Cli {
    /// Tokens of the answer
    #[arg(long, value_name = "N", default_value = "16")]
    answer: NonZeroUsize,
    /// The prompt in words; needs `tokenizer.json` beside the weights
    #[arg(long, value_name = "TEXT", conflicts_with = "tokens")]
    prompt: Option<String>,
    /// The prompt as numbers of tokens
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    tokens: Vec<i32>,
    /// `--seq` is the length of prompt and answer together where the prompt is seeded
    #[command(flatten)]
    options: SequenceOptions,
}

/// Sequences that the scales are chosen from, besides the prompt.
const SAMPLES: u64 = 3;

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let cli = Cli::parse();
    let (options, answer) = (&cli.options, cli.answer.get());
    let common = &options.common;
    let session = Session::start(common)?;
    let (file, config) = open(options)?;
    let text = Tokens::beside(common.weights.as_deref());
    let prompt = match (&cli.prompt, &cli.tokens[..]) {
        (Some(words), _) => text.encode(words)?,
        (None, []) => tokens(config.words, options.seq_or(64).saturating_sub(answer).max(1), common.seed),
        (None, given) => given.to_vec(),
    };
    if let Some(t) = prompt.iter().find(|&&t| !(0..config.words as i32).contains(&t)) {
        return Err(format!("token {t} is none of {}", config.words).into());
    }
    let seq = prompt.len() + answer;
    if prompt.is_empty() || seq > config.context {
        let most = config.context;
        return Err(format!(
            "a prompt of {} tokens and an answer of {answer}; the model reads 2 to {most}",
            prompt.len()
        )
        .into());
    }

    let (weights, config) = import(file, Some(config.layers))?;
    let sample =
        |t: Vec<i32>| vec![FloatTensor::new(Shape::new([seq]), t.iter().map(|&t| t as f32).collect())];
    let mut padded = prompt.clone();
    padded.extend(tokens(config.words, answer, common.seed));
    let seeded = (1..=SAMPLES).map(|i| sample(tokens(config.words, seq, common.seed + i)));
    let samples: Vec<_> = std::iter::once(sample(padded)).chain(seeded).collect();

    let instance = gpt2_greedy::with(gpt2_greedy::Dims {
        SEQ: seq,
        PROMPT: prompt.len(),
        D: config.d,
        HEADS: config.heads,
        L: config.layers,
        VOCAB: config.vocab(),
        WORDS: config.words,
        CONTEXT: config.context,
    })?
    .at_level(session.level())
    .on(session.backend());
    let mut decode = Duration::ZERO;
    let ((model, generation), (proof, ..), mut times) = session.measure(
        || -> Result<_, Failure> {
            let model = instance.calibrate(&weights, &samples)?;
            let start = Instant::now();
            let generation = generate(&model, seq, &prompt)?;
            decode = start.elapsed();
            Ok((model, generation))
        },
        |(model, generation)| Ok((generation.prove(model)?, model.verifier_key(), generation.clone())),
        |(proof, key, generation)| Ok(generation.verify(&instance, key, proof)?),
    )?;
    times.calibrate = times.calibrate.saturating_sub(decode);

    println!("prompt: {}", text.show(&prompt));
    println!("answer: {}", text.show(generation.answer()));
    // The integers' logits are never opened. The float model, given the same tokens, says how good each choice was.
    let float = gpt2_logits(&open(options)?.0, &config, &generation.tokens[..seq - 1], answer)?;
    let (mut same, mut max_abs_err) = (0, 0.0f64);
    for (logits, &token) in float.chunks_exact(config.words).zip(generation.answer()) {
        let best = argmax(logits).unwrap_or_default();
        same += usize::from(best == token as usize);
        max_abs_err = max_abs_err.max((logits[best] - logits[token as usize]) as f64);
    }
    println!("{same} of {answer} tokens are the float model's first choice too\n");
    let layers = config.layers;
    let subject =
        Subject { name: "generate", seq, layers, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    println!("  {:<24} {:>11.1} ms", "decode", decode.as_secs_f64() * 1e3);
    session.accuracy(model.as_ref(), &weights, &samples)?;
    Ok(())
}
