//! Weights and inputs of the transformer examples: seeded ones, and those of a Hugging Face file.
//!
//! Seeded weights follow the models' initialisation: linear weights normal with deviation 0.02, gains about 1, small
//! biases. Trained weights are larger and have outliers; these say nothing about what a trained model computes. The
//! values depend on the platform's `ln` and `cos`, so on another platform one may differ in its last bit.

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
