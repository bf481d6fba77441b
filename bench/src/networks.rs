//! Whole networks, made as the examples make them: weights that lie with the models where there are some, else seeded ones.

use crate::ready::{Ready, Sample};
use std::ops::Range;
use thiserror::Error;
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape, WeightsError};
use zkml_examples::classify::{self, Classifier};
use zkml_examples::session::Failure;
use zkml_ir::graph::Graph;
use zkml_models::vision::digits::{data_path, Digits, DigitsError};
use zkml_models::{bert, gpt2, llama, seeded};

/// Why a network could not be set up.
#[derive(Debug, Error)]
pub enum NetworkError {
    #[error(transparent)]
    Model(#[from] zkml_dsl::Error),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Digits(#[from] DigitsError),
    #[error(transparent)]
    Sentence(#[from] bert::SentenceError),
    #[error("expected a classifier of digits: {0}")]
    Classifier(Failure),
    #[error("expected {expected} images to calibrate and prove with, got {got}")]
    Images { expected: usize, got: usize },
}

/// Seeds of sequences that the scales are chosen from, and of those that are proven.
const CALIBRATION: Range<u64> = 1..4;
const PROVEN: Range<u64> = 4..12;
/// Images that the scales are chosen from, and as many again that are proven.
const IMAGES: usize = 64;
const SEED: u64 = 0;

pub fn mlp_digits() -> Result<Ready, NetworkError> {
    digits(classify::mlp())
}

pub fn lenet5() -> Result<Ready, NetworkError> {
    digits(classify::lenet5())
}

fn digits(classifier: Result<Classifier, Failure>) -> Result<Ready, NetworkError> {
    let Classifier { graph, file, sample, .. } = classifier.map_err(NetworkError::Classifier)?;
    let images = Digits::test_split()?.images;
    let samples: Vec<_> = images.iter().take(2 * IMAGES).map(sample).collect();
    let Some((calibration, proven)) = samples.split_at_checked(IMAGES).filter(|(_, p)| p.len() == IMAGES)
    else {
        return Err(NetworkError::Images { expected: 2 * IMAGES, got: samples.len() });
    };
    let weights = FloatWeights::open(data_path(file)).map_err(engine)?;
    Ok(Ready::new(graph, &weights, calibration, proven)?)
}

/// A file's error by the way of the engine's, which has all of them.
fn engine(e: impl Into<zkml_dsl::engine::Error>) -> zkml_dsl::Error {
    zkml_dsl::Error::from(e.into())
}

/// The graph of a GPT-2 of these sizes.
pub fn gpt2_graph(config: &gpt2::Config, seq: usize) -> Result<Graph, zkml_dsl::Error> {
    Ok(gpt2::gpt2::with(config.dims(seq))?.graph().clone())
}

/// Seeded weights of a GPT-2, norms folded, vocabulary padded.
pub fn gpt2_weights(config: &gpt2::Config) -> Result<FloatWeights, WeightsError> {
    Ok(gpt2::import(seeded::gpt2_model(*config, SEED), None)?.0)
}

/// Seeded sequences for a model of tokens: what chooses the scales, and what is proven.
pub fn sequences(words: usize, seq: usize) -> [Vec<Sample>; 2] {
    let sequence = |seed| {
        let data = seeded::tokens(words, seq, seed).iter().map(|&t| t as f32).collect();
        vec![FloatTensor::new(Shape::new([seq]), data)]
    };
    [CALIBRATION, PROVEN].map(|seeds| seeds.map(sequence).collect())
}

/// GPT-2 small with so many layers, whole: embeddings, blocks, last norm, logits.
pub fn gpt2(layers: usize, seq: usize) -> Result<Ready, NetworkError> {
    let config = gpt2::Config { layers, ..gpt2::Config::SMALL };
    let (graph, weights) = (gpt2_graph(&config, seq)?, gpt2_weights(&config)?);
    let [calibration, proven] = sequences(config.words, seq);
    Ok(Ready::new(graph, &weights, &calibration, &proven)?)
}

/// The sentence encoder all-MiniLM-L6-v2 by shape, with seeded weights and sentences without padding.
pub fn minilm(seq: usize) -> Result<Ready, NetworkError> {
    let config = bert::Config::MINILM;
    let (weights, config) = bert::import(seeded::bert_model(config, SEED), config.heads, None)?;
    let instance = bert::bert_encoder::with(bert::bert_encoder::Dims {
        SEQ: seq,
        D: config.d,
        HEADS: config.heads,
        L: config.layers,
        VOCAB: config.vocab(),
        CONTEXT: config.context,
    })?;
    let sentence = |seed| {
        let tokens = seeded::tokens(config.words, seq, seed);
        Ok(bert::Sentence::padded(&tokens, seq)?.sample())
    };
    let sentences = |seeds: Range<u64>| seeds.map(sentence).collect::<Result<Vec<_>, NetworkError>>();
    let (calibration, proven) = (sentences(CALIBRATION)?, sentences(PROVEN)?);
    Ok(Ready::new(instance.graph().clone(), &weights, &calibration, &proven)?)
}

/// SmolLM2-135M by shape, with seeded weights.
pub fn smollm2(seq: usize) -> Result<Ready, NetworkError> {
    let config = llama::Config::SMOLLM2_135M;
    let instance = llama::llama::with(config.dims(seq))?;
    let weights = llama::import(seeded::llama_model(config, SEED), &config)?;
    let [calibration, proven] = sequences(config.words, seq);
    Ok(Ready::new(instance.graph().clone(), &weights, &calibration, &proven)?)
}
