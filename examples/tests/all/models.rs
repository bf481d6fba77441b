//! The models of the examples at small sizes: calibrated, run against the float references, proven and verified.

use zkml_dsl::engine;
use zkml_dsl::prelude::*;
use zkml_dsl::typed::AsInt;
use zkml_dsl::units::{to_real, to_units};
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_models::digits::{argmax, data_path, Digits, FloatMlp};
use zkml_models::metrics::relative_rms_error;
use zkml_models::reference::{BertLayer, Gelu, Gpt2Block};
use zkml_models::seeded::{bert_input, bert_weights, gpt2_input, gpt2_weights, Size};
use zkml_models::{
    bert::bert,
    gpt2::{self as gpt2_model, gpt2_blocks},
    mlp_digits::{self as digits, mlp_digits},
};

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

#[test]
fn digits_are_classified_as_well_as_in_float() {
    let weights = FloatWeights::open(data_path("digits.safetensors")).unwrap();
    let (float, test) = (FloatMlp::new(&weights).unwrap(), Digits::test_split().unwrap());
    let samples: Vec<_> = test.images[..64].iter().map(digits::sample).collect();
    let mlp = mlp_digits::with(mlp_digits::Dims::default()).unwrap();
    let model = mlp.calibrate(&weights, &samples).unwrap();
    let (integers, floats) = digits::accuracy(&mlp, &model, &float, &test).unwrap();
    let lost = floats as f64 - integers as f64;
    assert!(100.0 * lost / test.images.len() as f64 <= 0.5, "{integers} {floats}");

    let x = digits::image(mlp.graph(), model.as_ref().params(), &test.images[500]).unwrap();
    let (logits, proof) = model.prove(&x).unwrap();
    mlp.verify(&model.verifier_key(), &x, &logits, &proof).unwrap();
    assert_eq!(argmax(&logits.to_vec()), Some(test.labels[500].into()));
}
