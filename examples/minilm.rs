//! Embeds sentences with all-MiniLM-L6-v2 in integers, compares them with the float model, and proves one embedding.
//!
//! ```sh
//! python3 examples/minilm/fetch.py
//! cargo run --release --example minilm -- --seq 64 --json minilm.json
//! ```
//!
//! `--weights` takes another folder with `model.safetensors`, `tokenizer.json` and `config.json`, of any BERT whose
//! embedding is the mean of its last layer. `--seed` says which of the sentences is proven.

use clap::Parser;
use std::process::ExitCode;
use zkml_dsl::engine;
use zkml_dsl::prelude::*;
use zkml_dsl::weights::{resolve, Family, FloatTensor, FloatWeights};
use zkml_examples::minilm::{sentences, Files, Words, CALIBRATION};
use zkml_examples::options::SequenceOptions;
use zkml_examples::session::{exit, Failure, Session, Subject};
use zkml_ir::calibrate::calibrate;
use zkml_ir::graph::Graph;
use zkml_ir::tensor::IntTensor;
use zkml_models::bert::{bert_encoder, embedding, import, Config, Sentence};
use zkml_models::metrics::{cosine, max_abs_error};
use zkml_models::reference::BertEncoder;

/// Embed sentences with all-MiniLM-L6-v2, prove and verify one embedding
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: SequenceOptions,
    /// Embed and compare only: no commitment, no proof
    #[arg(long)]
    no_proof: bool,
}

fn main() -> ExitCode {
    exit(run())
}

fn run() -> Result<(), Failure> {
    let Cli { options, no_proof } = Cli::parse();
    let (common, seq) = (&options.common, options.seq_or(64));
    let session = Session::start(common)?;
    let files = Files::find(common.weights.as_deref())?;
    let (words, heads) = (Words::open(&files.tokenizer)?, files.heads()?);
    let mut file = FloatWeights::open(&files.weights)?;
    file.rename_family(Family::Bert, &[])?;
    let all = Config::of(&file, heads)?;
    let texts = Texts::read(&words, seq, &file, &Config { layers: options.layers_or(all.layers), ..all })?;
    let (weights, config) = import(file, heads, Some(options.layers_or(all.layers)))?;
    let samples = samples(&words, seq)?;

    let instance = bert_encoder::with(bert_encoder::Dims {
        SEQ: seq,
        D: config.d,
        HEADS: config.heads,
        L: config.layers,
        VOCAB: config.vocab(),
        CONTEXT: config.context,
    })?
    .at_level(session.level())
    .on(session.backend());
    if no_proof {
        let graph = instance.graph();
        let (ints, params) = calibrate(graph, &resolve(graph, &weights)?, &samples)?;
        let run = |s: &Sentence| Ok(engine::run(graph, &ints, &params, &s.ints()?)?.remove(0));
        return texts.compare(graph, &params, run);
    }
    let proven = &texts.all[common.seed as usize % texts.all.len()];
    let (model, (_, _, y, proof, _), times) = session.measure(
        || instance.calibrate(&weights, &samples),
        |model| {
            let (tokens, mask) = proven.sentence.inputs()?;
            let (y, proof) = model.prove(&tokens, &mask)?;
            Ok((tokens, mask, y, proof, model.verifier_key()))
        },
        |(tokens, mask, y, proof, key)| Ok(instance.verify(key, tokens, mask, y, proof)?),
    )?;
    let (graph, params) = (instance.graph(), model.as_ref().params());
    let max_abs_err = max_abs_error(&embedding(graph, params, &y)?, &proven.reference);
    let layers = config.layers;
    let subject = Subject { name: "minilm", seq, layers, model: model.as_ref(), proof: &proof, max_abs_err };
    session.finish(&subject, &times)?;
    session.accuracy(model.as_ref(), &weights, &samples)?;
    println!("  {:<24} {}\n", "proven", proven.text);
    texts.compare(graph, params, |s| Ok(model.as_ref().run(&s.ints()?)?.remove(0)))
}

/// The calibration sentences that the model can read.
fn samples(words: &Words, seq: usize) -> Result<Vec<Vec<FloatTensor>>, Failure> {
    let mut samples = vec![];
    for text in CALIBRATION {
        let tokens = words.tokens(text)?;
        if tokens.len() <= seq {
            samples.push(Sentence::padded(&tokens, seq)?.sample());
        }
    }
    Ok(samples)
}

/// A sentence and what the float model makes of it.
struct Text {
    text: String,
    sentence: Sentence,
    reference: Vec<f32>,
}

struct Texts {
    all: Vec<Text>,
    /// How many are longer than the model reads.
    long: usize,
}

impl Texts {
    fn read(words: &Words, seq: usize, file: &FloatWeights, config: &Config) -> Result<Self, Failure> {
        let float = BertEncoder::new(file, config)?;
        let mut texts = Self { all: vec![], long: 0 };
        for text in sentences()? {
            let tokens = words.tokens(&text)?;
            if tokens.len() > seq {
                texts.long += 1;
                continue;
            }
            let sentence = Sentence::padded(&tokens, seq)?;
            texts.all.push(Text { text, sentence, reference: float.embed(&tokens) });
        }
        match texts.all.is_empty() {
            true => Err(format!("no sentence has at most {seq} tokens, which is what `--seq` allows").into()),
            false => Ok(texts),
        }
    }

    /// Embeds all of them, and prints how near each is to its reference and some are to each other.
    fn compare(
        &self,
        graph: &Graph,
        params: &Params,
        run: impl Fn(&Sentence) -> Result<IntTensor, Failure>,
    ) -> Result<(), Failure> {
        let embed = |t: &Text| -> Result<_, Failure> { Ok(embedding(graph, params, &run(&t.sentence)?)?) };
        let got = self.all.iter().map(embed).collect::<Result<Vec<_>, _>>()?;
        let cosines: Vec<f64> = self.all.iter().zip(&got).map(|(t, g)| cosine(g, &t.reference)).collect();
        println!("cosine to the float model");
        for (i, (c, t)) in cosines.iter().zip(&self.all).enumerate() {
            println!("  {i:>2}  {c:.6}  {}", t.text);
        }
        let least = cosines.iter().copied().fold(1.0, f64::min);
        println!("  least {least:.6}, mean {:.6}", cosines.iter().sum::<f64>() / cosines.len() as f64);
        if self.long > 0 {
            println!("  {} sentences are longer than `--seq` and left out", self.long);
        }
        println!("cosine between sentences, integers (float)");
        let some = got.len().min(SOME);
        for i in 0..some {
            let pair = |j: usize| {
                let (integers, float) =
                    (cosine(&got[i], &got[j]), cosine(&self.all[i].reference, &self.all[j].reference));
                format!("  {integers:>6.3} ({float:>6.3})")
            };
            println!("  {i:>2}{}", (0..some).map(pair).collect::<String>());
        }
        Ok(())
    }
}

/// The first sentences, of which each two say nearly the same.
const SOME: usize = 8;
