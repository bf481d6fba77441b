//! The weights of a published BERT as [`super::bert_encoder`] takes them.

use super::Config;
use zkml_dsl::weights::{Family, FloatWeights, WeightsError};

const WORDS: &str = "embeddings.word_embeddings.weight";
const PLACES: &str = "embeddings.position_embeddings.weight";
const TYPES: &str = "embeddings.token_type_embeddings.weight";

/// The products of a layer.
const LINEAR: [&str; 6] = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
];

/// Brings a Hugging Face checkpoint's names to ours and keeps the first `layers` layers (all if `None`). Token type 0 is
/// added to every position, the vocabulary is padded, and each product's output channels get scales of their own, `.scale`
/// beside its weight, which becomes \[in, out\]. Pooler and heads are left out.
pub fn import(
    mut w: FloatWeights,
    heads: usize,
    layers: Option<usize>,
) -> Result<(FloatWeights, Config), WeightsError> {
    w.rename_family(Family::Bert, &[])?;
    let mut config = Config::of(&w, heads)?;
    config.layers = layers.map_or(config.layers, |l| l.min(config.layers));
    let kept: Vec<String> = (0..config.layers).map(|l| format!("encoder.layer.{l}.")).collect();
    w.retain(|name| {
        let layer = name.starts_with("encoder.layer.");
        (layer || name.starts_with("embeddings.")) && (!layer || kept.iter().any(|p| name.starts_with(p)))
    });
    w.take_rows(TYPES, 0..1)?;
    w.add(PLACES, TYPES)?;
    w.remove(TYPES);
    w.pad_rows(WORDS, config.vocab())?;
    for path in kept {
        for linear in LINEAR.map(|name| format!("{path}{name}")) {
            w.transpose(&format!("{linear}.weight"))?;
            w.per_channel(&linear, &format!("{linear}.scale"))?;
        }
    }
    Ok((w, config))
}
