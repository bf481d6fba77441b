//! Llama at small sizes: calibrated, run against the float reference, proven and verified; and its published sizes as far as
//! types and shapes tell.

use zkml_dsl::prelude::*;
use zkml_dsl::units::{to_real, to_units};
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_examples::limits;
use zkml_models::llama::{fold, import, llama, llama_blocks, rename, Config};
use zkml_models::metrics::{cosine, relative_rms_error};
use zkml_models::reference::{llama_logits, LlamaBlock};
use zkml_models::seeded::{gpt2_input, llama_model, tokens, Size};

const SMALL: Config = Config {
    d: 64,
    heads: 4,
    kv_heads: 2,
    head: 16,
    ff: 128,
    layers: 2,
    words: 200,
    theta: 10_000,
    factor: 1,
};
const SEQ: usize = 8;
/// Relative error, root mean square: measured are 1.5 % of logits, 2 % of what one block adds, 1.8 % beside outliers. Weights
/// of 8 bits alone make 1 % in each product.
const MOST: f64 = 0.03;

fn samples(config: &Config, seq: usize) -> Vec<Vec<FloatTensor>> {
    let sample = |i| tokens(config.words, seq, i).iter().map(|&t| t as f32).collect();
    (1..4).map(|i| vec![FloatTensor::new(Shape::new([seq]), sample(i))]).collect()
}

/// Calibrated on other sequences than the one that is run.
fn check(config: &Config, dims: llama::Dims, prove: bool) {
    let file = llama_model(*config, 0);
    let input = tokens(config.words, SEQ, 0);
    let reference = llama_logits(&file, config, &input).unwrap();
    let weights = import(file, config).unwrap();
    let instance = llama::with(dims).unwrap();
    let model = instance.calibrate(&weights, &samples(config, SEQ)).unwrap();
    let x = Tensor::with_shape(&[SEQ], &input).unwrap();
    let logits = model.run(&x).unwrap();
    let got = to_real(instance.graph(), model.as_ref().params(), 0, &logits).unwrap().data;
    assert!(got[config.words..].iter().all(|&v| v == 0.0));
    let got = &got[..config.words];
    let (error, cosine) = (relative_rms_error(got, &reference), cosine(got, &reference));
    assert!(error < MOST && cosine > 0.999, "{error} {cosine}");
    if prove {
        let (proven, proof) = model.prove(&x).unwrap();
        assert_eq!(proven, logits);
        instance.verify(&model.verifier_key(), &x, &logits, &proof).unwrap();
        // Another last token is another statement.
        let mut other = input;
        other[SEQ - 1] = (other[SEQ - 1] + 1) % config.words as i32;
        let other = Tensor::with_shape(&[SEQ], &other).unwrap();
        instance.verify(&model.verifier_key(), &other, &logits, &proof).unwrap_err();
    }
}

#[test]
fn a_small_llama_is_proven_and_near_its_reference() {
    check(&SMALL, SMALL.dims(SEQ), true);
}

#[test]
fn gated_units_in_parts_and_stretched_turns() {
    let config = Config { theta: 500_000, factor: 32, ..SMALL };
    check(&config, llama::Dims { PARTS: 4, ..config.dims(SEQ) }, false);
}

fn stream(seed: u64) -> Vec<f32> {
    gpt2_input(Size { d: SMALL.d, heads: SMALL.heads, d_ff: SMALL.ff }, SEQ, seed)
}

/// What the first `layers` blocks make of a stream, and what the reference does; calibrated on other streams.
fn blocks(layers: usize, stream: impl Fn(u64) -> Vec<f32>) -> (Vec<f32>, Vec<f32>) {
    let config = Config { layers, ..SMALL };
    let mut weights = llama_model(config, 0);
    weights.retain(|name| name.starts_with("layers."));
    let x = stream(0);
    let block = |l| LlamaBlock::new(&weights, &format!("layers.{l}"), &config).unwrap();
    let reference = (0..layers).fold(x.clone(), |x, l| block(l).forward(&x));
    weights.transpose_matching("layers.*.self_attn|mlp.**").unwrap();
    fold(&mut weights, layers).unwrap();
    let instance = llama_blocks::with(config.blocks_dims(SEQ)).unwrap();
    let sample = |i| vec![FloatTensor::new(Shape::new([SEQ, SMALL.d]), stream(i))];
    let model = instance.calibrate(&weights, &[sample(1), sample(2)]).unwrap();
    let units = to_units(instance.graph(), model.as_ref().params(), 0, &x).unwrap();
    let y = model.run(&Tensor::from_int(units).unwrap()).unwrap();
    (to_real(instance.graph(), model.as_ref().params(), 0, &y).unwrap().data, reference)
}

/// Of what they add to the stream: the stream itself is several times larger.
#[test]
fn blocks_are_near_their_reference() {
    let added = |y: &[f32]| -> Vec<f32> { y.iter().zip(stream(0)).map(|(y, x)| y - x).collect() };
    for layers in [1, 4] {
        let (got, reference) = blocks(layers, stream);
        let error = relative_rms_error(&added(&got), &added(&reference));
        assert!(error < MOST, "{layers}: {error}");
    }
}

/// Three channels of the stream a thousand times the median, as in trained decoders: the others stay what they are.
#[test]
fn outliers_of_the_stream_cost_the_rest_nothing() {
    const OUTLIERS: [usize; 3] = [3, 17, 40];
    let planted = |seed| {
        let mut x = stream(seed);
        // The median of a normal variable's absolute value is 0.674 deviations, here 0.2.
        x.chunks_exact_mut(SMALL.d).for_each(|row| OUTLIERS.iter().for_each(|&c| row[c] += 135.0));
        x
    };
    let (got, reference) = blocks(2, planted);
    let rest = |values: &[f32]| -> Vec<f32> {
        let kept = values.iter().enumerate().filter(|(i, _)| !OUTLIERS.contains(&(i % SMALL.d)));
        kept.map(|(_, v)| *v).collect()
    };
    let error = relative_rms_error(&rest(&got), &rest(&reference));
    // What 12 bits over the same range would make of the reference alone.
    let step = reference.iter().fold(0f32, |m, v| m.max(v.abs())) / 2047.0;
    let narrow: Vec<f32> = reference.iter().map(|v| (v / step).round() * step).collect();
    let narrow = relative_rms_error(&rest(&narrow), &rest(&reference));
    assert!(error < MOST && error < narrow / 3.0, "{error} {narrow}");
}

#[test]
fn the_one_billion_elaborates_and_says_what_it_costs() {
    let config = Config::LLAMA_3_2_1B;
    let instance = llama::with(config.dims(64)).unwrap();
    let graph = instance.graph();
    let report = zkml_ir::cost::report(graph).unwrap();
    let Config { d, heads, kv_heads, head, ff, layers, words, .. } = config;
    let attention = 2 * d * (heads + kv_heads) * head;
    let weights = words * d + layers * (attention + 3 * d * ff) + d;
    assert_eq!(weights, 1_235_748_864);
    let declared: usize = graph.weights.iter().map(|w| graph.ty(w.node).shape.len()).sum();
    assert_eq!(declared, weights);
    assert!(report.weight_cells >= weights as u64);

    // In parts, of which the embedding is the largest, so many weights are certified.
    limits::lookups(graph).unwrap();
    let plan = zkml_ir::lower::lower(graph, &zkml_ir::cost::placeholder(graph)).unwrap().plan;
    let parts = zkml_ir::lower::certificate(&plan).unwrap();
    let lookups: Vec<u64> = parts.iter().map(|part| part.plan.n_lookups()).collect();
    assert_eq!(lookups.iter().max(), Some(&((words * d) as u64)));
    assert!(lookups.iter().sum::<u64>() >= report.weight_cells);
}

#[test]
fn files_tell_their_sizes() {
    let file = llama_model(Config { head: 64, ..SMALL }, 0);
    let mut published = file.clone();
    published.rename_prefix("", "model.").unwrap();
    let table = published.get("model.embed_tokens.weight").unwrap().into_owned();
    published.insert("lm_head.weight", table.clone()).unwrap();
    rename(&mut published).unwrap();
    let names = |w: &FloatWeights| w.names().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(&published), names(&file));
    assert_eq!(Config::of(&published).unwrap(), Config { head: 64, ..SMALL });
    // A head of its own is no copy of the table: it stays, and the model does not know it.
    let other = FloatTensor { data: table.data.iter().map(|v| -v).collect(), ..table };
    published.insert("lm_head.weight", other).unwrap();
    rename(&mut published).unwrap();
    let config = Config::of(&published).unwrap();
    let weights = import(published, &config).unwrap();
    let Err(error) = llama::with(config.dims(SEQ)).unwrap().calibrate(&weights, &samples(&config, SEQ))
    else {
        panic!("another output embedding is taken for the table")
    };
    assert!(error.to_string().contains("unused: `lm_head.weight`"), "{error}");
}
