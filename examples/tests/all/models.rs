//! The models of the examples at small sizes: calibrated, run against the float references, proven and verified.

use zkml_dsl::engine;
use zkml_dsl::prelude::*;
use zkml_dsl::typed::AsInt;
use zkml_dsl::units::{to_real, to_units};
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_examples::classify::{self, Classifier};
use zkml_models::gpt2::{generate, gpt2, gpt2_greedy, Config};
use zkml_models::metrics::relative_rms_error;
use zkml_models::reference::{BertLayer, Gelu, Gpt2Block};
use zkml_models::seeded::{bert_input, bert_weights, gpt2_input, gpt2_weights, Size};
use zkml_models::vision::digits::{argmax, data_path, Digits};
use zkml_models::vision::resnet18;
use zkml_models::{
    bert::bert,
    gpt2::{self as gpt2_model, gpt2_blocks},
};
use zkml_models::{reference, seeded};

const SMALL: Size = Size { d: 64, heads: 4, d_ff: 256 };
const SEQ: usize = 8;
/// What the examples promise.
const MOST: f64 = 0.02;

fn rows(values: Vec<f32>) -> FloatTensor {
    FloatTensor::new(Shape::new([values.len() / SMALL.d, SMALL.d]), values)
}

fn error(model: &engine::Model, y: &impl AsInt, reference: &[f32]) -> f64 {
    relative_rms_error(&to_real(model.graph(), model.params(), 0, y).unwrap().data, reference)
}

/// `layers` blocks, calibrated on two inputs, run on a third.
fn gpt2_error(layers: usize, prove: bool) -> f64 {
    let mut weights = gpt2_weights(SMALL, layers, 0);
    let input = gpt2_input(SMALL, SEQ, 0);
    let reference = (0..layers).fold(input.clone(), |x, l| {
        Gpt2Block::new(&weights, &format!("h.{l}"), SMALL.heads).unwrap().forward(&x, Gelu::Tanh)
    });
    gpt2_model::fold(&mut weights, layers).unwrap();
    let samples: Vec<_> = (1..3).map(|i| vec![rows(gpt2_input(SMALL, SEQ, i))]).collect();
    let dims = gpt2_blocks::Dims { SEQ, D: SMALL.d, HEADS: SMALL.heads, L: layers };
    let blocks = gpt2_blocks::with(dims).unwrap();
    let model = blocks.calibrate(&weights, &samples).unwrap();
    let units = to_units(blocks.graph(), model.as_ref().params(), 0, &input).unwrap();
    let x = Tensor::from_int(units).unwrap();
    let y = model.run(&x).unwrap();
    if prove {
        let (proven, proof) = model.prove(&x).unwrap();
        assert_eq!(proven, y);
        blocks.verify(&model.verifier_key(), &x, &y, &proof).unwrap();
    }
    error(model.as_ref(), &y, &reference)
}

#[test]
fn a_gpt2_block_is_proven_and_near_its_reference() {
    let error = gpt2_error(1, true);
    assert!(error < MOST, "{error}");
}

#[test]
fn blocks_in_a_loop_are_near_their_reference() {
    let error = gpt2_error(3, false);
    assert!(error < MOST, "{error}");
}

/// What `--accuracy` prints.
#[test]
fn losses_are_reported_by_layer_and_by_width() {
    let mut weights = gpt2_weights(SMALL, 2, 0);
    gpt2_model::fold(&mut weights, 2).unwrap();
    let samples: Vec<_> = (1..3).map(|i| vec![rows(gpt2_input(SMALL, SEQ, i))]).collect();
    let blocks = gpt2_blocks::with(gpt2_blocks::Dims { SEQ, D: SMALL.d, HEADS: SMALL.heads, L: 2 }).unwrap();
    let model = blocks.calibrate(&weights, &samples[..1]).unwrap();
    let accuracy = model.as_ref().accuracy(&weights, &samples[1..]).unwrap();
    assert_eq!(accuracy.outputs.len(), 1);
    assert!(accuracy.outputs[0].relative_rms < MOST, "{accuracy}");
    let layer = |l: usize| accuracy.layers.iter().find(|x| x.path.contains(&format!("[{l}]"))).unwrap();
    assert!(layer(0).snr_db.unwrap() > layer(1).snr_db.unwrap(), "{accuracy}");

    let widths = engine::recommend_widths(blocks.graph(), &weights, &samples, None).unwrap();
    // One name for both layers.
    assert!(!widths.tensors.is_empty() && widths.tensors.iter().any(|t| t.instances == 2), "{widths}");
    // With no noise allowed, nothing less than 16 bits is enough.
    let strict = engine::recommend_widths(blocks.graph(), &weights, &samples, Some(1e-12)).unwrap();
    assert!(strict.tensors.iter().any(|t| t.hint().is_some_and(|h| h.contains("I16"))), "{strict}");
}

#[test]
fn a_bert_layer_is_proven_and_near_its_reference() {
    let weights = bert_weights(SMALL, 1, 0);
    let tokens: Vec<bool> = (0..SEQ).map(|i| i < SEQ - SEQ / 4).collect();
    let mask: Vec<f32> = tokens.iter().map(|&t| f32::from(t)).collect();
    let input = bert_input(SMALL, SEQ, 0);
    let reference =
        BertLayer::new(&weights, "encoder.layer.0", SMALL.heads).unwrap().forward(&input, &tokens);
    let sample = |i| vec![rows(bert_input(SMALL, SEQ, i)), FloatTensor::new(Shape::new([SEQ]), mask.clone())];
    let samples: Vec<_> = (1..3).map(sample).collect();
    let layer = bert::with(bert::Dims { SEQ, D: SMALL.d, HEADS: SMALL.heads, L: 1 }).unwrap();
    let model = layer.calibrate(&weights, &samples).unwrap();
    let units = |i, values| to_units(layer.graph(), model.as_ref().params(), i, values).unwrap();
    let x = Tensor::from_int(units(0, &input)).unwrap();
    let mask = Tensor::from_int(units(1, &mask)).unwrap();
    let (y, proof) = model.prove(&x, &mask).unwrap();
    assert_eq!(model.run(&x, &mask).unwrap(), y);
    layer.verify(&model.verifier_key(), &x, &mask, &y, &proof).unwrap();
    let error = error(model.as_ref(), &y, &reference);
    assert!(error < MOST, "{error}");

    // Another mask is another statement.
    let other = Tensor::with_shape(&[SEQ], &[1; SEQ]).unwrap();
    layer.verify(&model.verifier_key(), &x, &other, &y, &proof).unwrap_err();
}

/// Calibrated on some images, run on all, proven on one.
fn classified(classifier: Classifier, image: usize) {
    let weights = FloatWeights::open(data_path(classifier.file)).unwrap();
    let test = Digits::test_split().unwrap();
    let samples: Vec<_> = test.images[..64].iter().map(classifier.sample).collect();
    let model = engine::Model::calibrate(classifier.graph.clone(), &weights, &samples).unwrap();
    let (integers, floats) = classifier.accuracy(&model, &weights, &test).unwrap();
    let lost = floats as f64 - integers as f64;
    let name = classifier.name;
    assert!(100.0 * lost / test.images.len() as f64 <= 0.5, "{name}: {integers} {floats}");

    let pixels = (classifier.sample)(&test.images[image]).remove(0).data;
    let x = to_units(&classifier.graph, model.params(), 0, &pixels).unwrap();
    let (logits, proof) = model.prove(std::slice::from_ref(&x)).unwrap();
    let key = model.verifier_key();
    engine::verify(&classifier.graph, &key, &[Some(x)], &logits, &proof).unwrap();
    assert_eq!(argmax(&logits[0].to_vec()), Some(test.labels[image].into()), "{name}");
}

#[test]
fn digits_are_classified_as_well_as_in_float() {
    classified(classify::mlp().unwrap(), 500);
}

#[test]
fn digits_are_classified_by_convolutions_as_well_as_in_float() {
    classified(classify::cnn().unwrap(), 500);
    classified(classify::lenet5().unwrap(), 500);
}

/// ResNet-18 with an eighth of its channels.
#[test]
fn a_narrow_resnet_is_proven_and_near_its_reference() {
    let (channels, classes) = (8, 10);
    let weights = seeded::resnet18(channels, classes, 0);
    let input = seeded::picture(0);
    let float = reference::resnet18(&weights, &input, channels, classes).unwrap();
    let weights = resnet18::import(weights).unwrap();
    let samples: Vec<_> =
        (1..9).map(|i| vec![FloatTensor::new(Shape::new([3, 32, 32]), seeded::picture(i))]).collect();
    let instance =
        resnet18::resnet18::with(resnet18::resnet18::Dims { C: channels, CLASSES: classes }).unwrap();
    let model = instance.calibrate(&weights, &samples).unwrap();
    let x = to_units(instance.graph(), model.as_ref().params(), 0, &input).unwrap();
    let x = Tensor::from_int(x).unwrap();
    let (y, proof) = model.prove(&x).unwrap();
    instance.verify(&model.verifier_key(), &x, &y, &proof).unwrap();
    let error = error(model.as_ref(), y.as_int(), &float);
    assert!(error < 0.1, "{error}");
}

const TINY: Config = Config { d: 64, heads: 4, layers: 2, words: 300, context: 32 };

/// The most likely tokens after a prompt, in one proof; and the logits of the last.
#[test]
fn gpt2_whole_is_proven_and_goes_on_as_its_reference() {
    let (seq, prompt) = (12, 8);
    let file = seeded::gpt2_model(TINY, 3);
    let tokens = seeded::tokens(TINY.words, seq, 5);
    let float = reference::gpt2_logits(&file, &TINY, &tokens, 1).unwrap();
    let (weights, config) = gpt2_model::import(file.clone(), None).unwrap();
    assert_eq!((config, config.vocab()), (Config { heads: 1, ..TINY }, 384));
    let samples: Vec<_> = (10..14)
        .map(|i| {
            let t = seeded::tokens(TINY.words, seq, i).iter().map(|&t| t as f32).collect();
            vec![FloatTensor::new(Shape::new([seq]), t)]
        })
        .collect();
    let Config { d, layers, words, context, heads } = TINY;
    let dims = gpt2::Dims { SEQ: seq, D: d, HEADS: heads, L: layers, VOCAB: 384, CONTEXT: context };
    let instance = gpt2::with(dims).unwrap();
    let model = instance.calibrate(&weights, &samples).unwrap();
    let x = Tensor::with_shape(&[seq], &tokens).unwrap();
    let (logits, proof) = model.prove(&x).unwrap();
    instance.verify(&model.verifier_key(), &x, &logits, &proof).unwrap();
    let got = to_real(instance.graph(), model.as_ref().params(), 0, logits.as_int()).unwrap().data;
    let error = relative_rms_error(&got[..words], &float);
    assert!(error < 0.1, "{error}");
    assert!(logits.to_vec()[words..].iter().all(|&l| l == 0), "padding has no weight");
    // Another token is another statement.
    let mut other = tokens.clone();
    other[2] = (other[2] + 1) % words as i32;
    let other = Tensor::with_shape(&[seq], &other).unwrap();
    instance.verify(&model.verifier_key(), &other, &logits, &proof).unwrap_err();

    let dims = gpt2_greedy::Dims {
        SEQ: seq,
        PROMPT: prompt,
        D: d,
        HEADS: heads,
        L: layers,
        VOCAB: 384,
        WORDS: words,
        CONTEXT: context,
    };
    let instance = gpt2_greedy::with(dims).unwrap();
    let model = instance.calibrate(&weights, &samples).unwrap();
    let generation = generate(&model, seq, &tokens[..prompt]).unwrap();
    let proof = generation.prove(&model).unwrap();
    let key = model.verifier_key();
    generation.verify(&instance, &key, &proof).unwrap();
    // The float model, given the same tokens, finds each choice about as good as its own.
    let float = reference::gpt2_logits(&file, &TINY, &generation.tokens[..seq - 1], seq - prompt).unwrap();
    for (row, &token) in float.chunks_exact(words).zip(generation.answer()) {
        let best = row.iter().copied().fold(f32::MIN, f32::max);
        let spread = row.iter().map(|v| v * v).sum::<f32>().sqrt() / (words as f32).sqrt();
        assert!(best - row[token as usize] < 0.3 * spread, "{best} {}", row[token as usize]);
    }
    // An answer that the model does not give.
    let mut forged = generation.clone();
    forged.tokens[prompt + 1] = (forged.tokens[prompt + 1] + 1) % words as i32;
    forged.verify(&instance, &key, &proof).unwrap_err();
    let e = generate(&model, seq, &tokens[..prompt - 1]).unwrap_err();
    assert_eq!(e.to_string(), "the model reads 12 tokens of which 8 are the prompt, got a prompt of 7");
}
