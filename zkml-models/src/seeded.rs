//! Weights and inputs of the transformer examples: seeded ones, and those of a Hugging Face file.
//!
//! Seeded weights follow the models' initialisation: linear weights normal with deviation 0.02, gains about 1, small
//! biases. Trained weights are larger and have outliers; these say nothing about what a trained model computes. The
//! values depend on the platform's `ln` and `cos`, so on another platform one may differ in its last bit.

use crate::bert;
use crate::gpt2::Config;
use crate::llama;
use crate::random::Random;
use rayon::prelude::*;
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape, WeightsError};

/// The size of a transformer layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Width of the residual stream.
    pub d: usize,
    pub heads: usize,
    /// Hidden units of the feed-forward part.
    pub d_ff: usize,
}

/// GPT-2 small and BERT-base.
pub const BASE: Size = Size { d: 768, heads: 12, d_ff: 3072 };

/// The tensors of a layer: names below its prefix, and shapes in the file.
type Layer = Vec<(String, Vec<usize>)>;

fn gpt2_layer(Size { d, d_ff, .. }: Size) -> Layer {
    vec![
        ("ln_1.weight".into(), vec![d]),
        ("ln_1.bias".into(), vec![d]),
        ("attn.c_attn.weight".into(), vec![d, 3 * d]),
        ("attn.c_attn.bias".into(), vec![3 * d]),
        ("attn.c_proj.weight".into(), vec![d, d]),
        ("attn.c_proj.bias".into(), vec![d]),
        ("ln_2.weight".into(), vec![d]),
        ("ln_2.bias".into(), vec![d]),
        ("mlp.c_fc.weight".into(), vec![d, d_ff]),
        ("mlp.c_fc.bias".into(), vec![d_ff]),
        ("mlp.c_proj.weight".into(), vec![d_ff, d]),
        ("mlp.c_proj.bias".into(), vec![d]),
    ]
}

fn bert_layer(Size { d, d_ff, .. }: Size) -> Layer {
    vec![
        ("attention.self.query.weight".into(), vec![d, d]),
        ("attention.self.query.bias".into(), vec![d]),
        ("attention.self.key.weight".into(), vec![d, d]),
        ("attention.self.key.bias".into(), vec![d]),
        ("attention.self.value.weight".into(), vec![d, d]),
        ("attention.self.value.bias".into(), vec![d]),
        ("attention.output.dense.weight".into(), vec![d, d]),
        ("attention.output.dense.bias".into(), vec![d]),
        ("attention.output.LayerNorm.weight".into(), vec![d]),
        ("attention.output.LayerNorm.bias".into(), vec![d]),
        ("intermediate.dense.weight".into(), vec![d_ff, d]),
        ("intermediate.dense.bias".into(), vec![d_ff]),
        ("output.dense.weight".into(), vec![d, d_ff]),
        ("output.dense.bias".into(), vec![d]),
        ("output.LayerNorm.weight".into(), vec![d]),
        ("output.LayerNorm.bias".into(), vec![d]),
    ]
}

/// Seeded GPT-2 blocks `h.0` to `h.{layers - 1}`, linear weights \[in, out\].
pub fn gpt2_weights(size: Size, layers: usize, seed: u64) -> FloatWeights {
    seeded("h", &gpt2_layer(size), layers, seed)
}

/// A whole seeded GPT-2 under the names of a Hugging Face file.
pub fn gpt2_model(config: Config, seed: u64) -> FloatWeights {
    let Config { d, layers, words, context, .. } = config;
    let mut tensors: Layer = vec![
        ("wte.weight".into(), vec![words, d]),
        ("wpe.weight".into(), vec![context, d]),
        ("ln_f.weight".into(), vec![d]),
        ("ln_f.bias".into(), vec![d]),
    ];
    let size = Size { d, heads: config.heads, d_ff: 4 * d };
    tensors.extend(repeated("h", &gpt2_layer(size), layers));
    normal(&tensors, seed)
}

/// A whole seeded Llama under the names of a Hugging Face file, linear weights \[out, in\].
pub fn llama_model(config: llama::Config, seed: u64) -> FloatWeights {
    let llama::Config { d, heads, kv_heads, head, ff, layers, words, .. } = config;
    let layer: Layer = vec![
        ("input_layernorm.weight".into(), vec![d]),
        ("self_attn.q_proj.weight".into(), vec![heads * head, d]),
        ("self_attn.k_proj.weight".into(), vec![kv_heads * head, d]),
        ("self_attn.v_proj.weight".into(), vec![kv_heads * head, d]),
        ("self_attn.o_proj.weight".into(), vec![d, heads * head]),
        ("post_attention_layernorm.weight".into(), vec![d]),
        ("mlp.gate_proj.weight".into(), vec![ff, d]),
        ("mlp.up_proj.weight".into(), vec![ff, d]),
        ("mlp.down_proj.weight".into(), vec![d, ff]),
    ];
    let mut tensors: Layer =
        vec![("embed_tokens.weight".into(), vec![words, d]), ("norm.weight".into(), vec![d])];
    tensors.extend(repeated("layers", &layer, layers));
    normal(&tensors, seed)
}

/// A seeded ResNet-18 for images of 32 x 32 under torchvision's names: convolutions as they are initialised (He et al. 2015),
/// batch norms as training might leave them.
pub fn resnet18(channels: usize, classes: usize, seed: u64) -> FloatWeights {
    let mut tensors = vec![];
    let mut conv = |conv: String, norm: String, outputs: usize, inputs: usize, k: usize| {
        let deviation = (2.0 / (inputs * k * k) as f64).sqrt();
        tensors.push((format!("{conv}.weight"), vec![outputs, inputs, k, k], 0.0, deviation));
        for (name, mean, deviation) in
            [("weight", 1.0, 0.1), ("bias", 0.0, 0.1), ("running_mean", 0.0, 0.1), ("running_var", 1.0, 0.05)]
        {
            tensors.push((format!("{norm}.{name}"), vec![outputs], mean, deviation));
        }
    };
    conv("conv1".into(), "bn1".into(), channels, 3, 3);
    let mut c = channels;
    for (layer, block) in (1..=4).flat_map(|l| (0..2).map(move |b| (l, b))) {
        let at = |name: &str| format!("layer{layer}.{block}.{name}");
        let outputs = if layer > 1 && block == 0 { 2 * c } else { c };
        conv(at("conv1"), at("bn1"), outputs, c, 3);
        conv(at("conv2"), at("bn2"), outputs, outputs, 3);
        if outputs != c {
            conv(at("downsample.0"), at("downsample.1"), outputs, c, 1);
        }
        c = outputs;
    }
    tensors.push(("fc.weight".into(), vec![classes, c], 0.0, 0.05));
    tensors.push(("fc.bias".into(), vec![classes], 0.0, 0.05));
    let made = tensors.into_iter().map(|(name, dims, mean, deviation)| {
        let shape = Shape::new(dims);
        let data = Random::new(seed, &name).normals(shape.len(), mean, deviation);
        (name, FloatTensor { shape, data })
    });
    FloatWeights::from_tensors(made).expect("as many values as the shape says")
}

/// Seeded pixels from 0 to 1 of a colour image of 32 x 32, smooth as photographs are.
pub fn picture(seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed, "picture");
    let waves: Vec<[f64; 4]> = (0..12).map(|_| std::array::from_fn(|_| random.normal())).collect();
    let pixel = |k: usize| {
        let (c, y, x) = (k / 1024, (k / 32 % 32) as f64 / 32.0, (k % 32) as f64 / 32.0);
        let wave = |w: &[f64; 4]| w[0] * (6.0 * (w[1] * x + w[2] * y) + w[3] * 3.0 + c as f64).sin();
        let sum: f64 = waves.iter().map(wave).sum();
        // In 255 steps, as cameras have them.
        ((0.5 + sum / 8.0).clamp(0.0, 1.0) * 255.0).round() as f32 / 255.0
    };
    (0..3 * 1024).map(pixel).collect()
}

/// A whole seeded BERT under the names of a Hugging Face file.
pub fn bert_model(config: bert::Config, seed: u64) -> FloatWeights {
    let bert::Config { d, heads, layers, words, context } = config;
    let table = |name: &str, rows| (format!("embeddings.{name}_embeddings.weight"), vec![rows, d]);
    let mut tensors: Layer = vec![
        table("word", words),
        table("position", context),
        table("token_type", 2),
        ("embeddings.LayerNorm.weight".into(), vec![d]),
        ("embeddings.LayerNorm.bias".into(), vec![d]),
    ];
    tensors.extend(repeated("encoder.layer", &bert_layer(Size { d, heads, d_ff: 4 * d }), layers));
    normal(&tensors, seed)
}

/// Seeded tokens of a vocabulary.
pub fn tokens(words: usize, seq: usize, seed: u64) -> Vec<i32> {
    let mut random = Random::new(seed, "tokens");
    (0..seq).map(|_| random.below(words) as i32).collect()
}

/// Seeded BERT layers `encoder.layer.0` and on, linear weights \[out, in\].
pub fn bert_weights(size: Size, layers: usize, seed: u64) -> FloatWeights {
    seeded("encoder.layer", &bert_layer(size), layers, seed)
}

fn seeded(prefix: &str, layer: &Layer, layers: usize, seed: u64) -> FloatWeights {
    normal(&repeated(prefix, layer, layers), seed)
}

/// The tensors of every layer: `{prefix}.{l}.{name}`.
fn repeated(prefix: &str, layer: &Layer, layers: usize) -> Layer {
    let path = |l: usize, name: &str| format!("{prefix}.{l}.{name}");
    (0..layers).flat_map(|l| layer.iter().map(move |(name, dims)| (path(l, name), dims.clone()))).collect()
}

/// Gains about 1, everything else about 0. Each tensor has a stream of its own, so threads do not change them.
fn normal(tensors: &Layer, seed: u64) -> FloatWeights {
    let tensor = |(path, dims): &(String, Vec<usize>)| {
        let norm = ["ln_", "LayerNorm", "norm"].iter().any(|n| path.contains(n));
        let (mean, deviation) = match (dims.len(), norm, path.ends_with(".weight")) {
            (1, true, true) => (1.0, 0.1),
            _ => (0.0, 0.02),
        };
        let shape = Shape::new(dims.clone());
        let data = Random::new(seed, path).normals(shape.len(), mean, deviation);
        (path.clone(), FloatTensor { shape, data })
    };
    let made: Vec<_> = tensors.par_iter().map(tensor).collect();
    FloatWeights::from_tensors(made).expect("as many values as the shape says")
}

/// A seeded residual stream \[seq, d\] before the first GPT-2 block: normal with deviation 0.2, so that what the block adds
/// outweighs what it passes on and an error in it shows.
pub fn gpt2_input(size: Size, seq: usize, seed: u64) -> Vec<f32> {
    Random::new(seed, "input").normals(seq * size.d, 0.0, 0.2)
}

/// A seeded input \[seq, d\] of a BERT layer: normal with deviation 1, as a layer norm leaves it.
pub fn bert_input(size: Size, seq: usize, seed: u64) -> Vec<f32> {
    Random::new(seed, "input").normals(seq * size.d, 0.0, 1.0)
}

/// The first `layers` blocks of a Hugging Face GPT-2 file, with or without its `transformer.` prefix; embeddings, the
/// last norm and mask buffers are left out.
pub fn select_gpt2(mut file: FloatWeights, layers: usize) -> Result<FloatWeights, WeightsError> {
    file.rename_prefix("transformer.", "")?;
    keep(&mut file, "h", &gpt2_layer(BASE), layers);
    Ok(file)
}

/// The first `layers` layers of a Hugging Face BERT file, with or without its `bert.` prefix; embeddings, pooler and
/// heads are left out. Old files call a norm's gain and bias `gamma` and `beta`.
pub fn select_bert(mut file: FloatWeights, layers: usize) -> Result<FloatWeights, WeightsError> {
    file.rename_prefix("bert.", "")?;
    for l in 0..layers {
        for norm in ["attention.output.LayerNorm", "output.LayerNorm"] {
            for (old, new) in [("gamma", "weight"), ("beta", "bias")] {
                let path = format!("encoder.layer.{l}.{norm}.");
                file.rename_prefix(&format!("{path}{old}"), &format!("{path}{new}"))?;
            }
        }
    }
    keep(&mut file, "encoder.layer", &bert_layer(BASE), layers);
    Ok(file)
}

fn keep(file: &mut FloatWeights, prefix: &str, layer: &Layer, layers: usize) {
    let wanted: std::collections::HashSet<String> =
        (0..layers).flat_map(|l| layer.iter().map(move |(name, _)| format!("{prefix}.{l}.{name}"))).collect();
    file.retain(|name| wanted.contains(name));
}
