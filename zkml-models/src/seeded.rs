//! Weights and inputs of the transformer examples: seeded ones, and those of a Hugging Face file.
//!
//! Seeded weights follow the models' initialisation: linear weights normal with deviation 0.02, gains about 1, small
//! biases. Trained weights are larger and have outliers; these say nothing about what a trained model computes. The
//! values depend on the platform's `ln` and `cos`, so on another platform one may differ in its last bit.

use crate::random::Random;
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
type Layer = Vec<(&'static str, Vec<usize>)>;

fn gpt2_layer(Size { d, d_ff, .. }: Size) -> Layer {
    vec![
        ("ln_1.weight", vec![d]),
        ("ln_1.bias", vec![d]),
        ("attn.c_attn.weight", vec![d, 3 * d]),
        ("attn.c_attn.bias", vec![3 * d]),
        ("attn.c_proj.weight", vec![d, d]),
        ("attn.c_proj.bias", vec![d]),
        ("ln_2.weight", vec![d]),
        ("ln_2.bias", vec![d]),
        ("mlp.c_fc.weight", vec![d, d_ff]),
        ("mlp.c_fc.bias", vec![d_ff]),
        ("mlp.c_proj.weight", vec![d_ff, d]),
        ("mlp.c_proj.bias", vec![d]),
    ]
}

fn bert_layer(Size { d, d_ff, .. }: Size) -> Layer {
    vec![
        ("attention.self.query.weight", vec![d, d]),
        ("attention.self.query.bias", vec![d]),
        ("attention.self.key.weight", vec![d, d]),
        ("attention.self.key.bias", vec![d]),
        ("attention.self.value.weight", vec![d, d]),
        ("attention.self.value.bias", vec![d]),
        ("attention.output.dense.weight", vec![d, d]),
        ("attention.output.dense.bias", vec![d]),
        ("attention.output.LayerNorm.weight", vec![d]),
        ("attention.output.LayerNorm.bias", vec![d]),
        ("intermediate.dense.weight", vec![d_ff, d]),
        ("intermediate.dense.bias", vec![d_ff]),
        ("output.dense.weight", vec![d, d_ff]),
        ("output.dense.bias", vec![d]),
        ("output.LayerNorm.weight", vec![d]),
        ("output.LayerNorm.bias", vec![d]),
    ]
}

/// Seeded GPT-2 blocks `h.0` to `h.{layers - 1}`, linear weights \[in, out\].
pub fn gpt2_weights(size: Size, layers: usize, seed: u64) -> FloatWeights {
    seeded("h", &gpt2_layer(size), layers, seed)
}

/// Seeded BERT layers `encoder.layer.0` and on, linear weights \[out, in\].
pub fn bert_weights(size: Size, layers: usize, seed: u64) -> FloatWeights {
    seeded("encoder.layer", &bert_layer(size), layers, seed)
}

fn seeded(prefix: &str, layer: &Layer, layers: usize, seed: u64) -> FloatWeights {
    let tensors = (0..layers).flat_map(|l| {
        layer.iter().map(move |(name, dims)| {
            let path = format!("{prefix}.{l}.{name}");
            let norm = name.contains("ln_") || name.contains("LayerNorm");
            let (mean, deviation) = match (dims.len(), norm, name.ends_with(".weight")) {
                (1, true, true) => (1.0, 0.1),
                _ => (0.0, 0.02),
            };
            let shape = Shape::new(dims.clone());
            let data = Random::new(seed, &path).normals(shape.len(), mean, deviation);
            (path, FloatTensor { shape, data })
        })
    });
    FloatWeights::from_tensors(tensors).expect("as many values as the shape says")
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
