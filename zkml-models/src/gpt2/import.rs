//! The weights of a published GPT-2 as [`super::gpt2`] takes them.

use super::Config;
use zkml_dsl::weights::{Family, FloatWeights, WeightsError};

/// Brings a Hugging Face checkpoint's names to ours, keeps the first `layers` blocks (all if `None`), folds every block's
/// norms into the products that read them and pads the vocabulary. The output embedding is the token table: a file's copy of
/// it is dropped.
pub fn import(mut w: FloatWeights, layers: Option<usize>) -> Result<(FloatWeights, Config), WeightsError> {
    w.rename_family(Family::Gpt2, &[])?;
    w.remove("lm_head.weight");
    let mut config = Config::of(&w)?;
    config.layers = layers.map_or(config.layers, |l| l.min(config.layers));
    let kept: Vec<String> = (0..config.layers).map(|l| format!("h.{l}.")).collect();
    w.retain(|name| !name.starts_with("h.") || kept.iter().any(|prefix| name.starts_with(prefix)));
    fold(&mut w, config.layers)?;
    w.pad_rows("wte.weight", config.vocab())?;
    Ok((w, config))
}

/// Folds the norms of blocks `h.0` to `h.{layers - 1}`, as [`super::gpt2_block`] wants its weights.
pub fn fold(w: &mut FloatWeights, layers: usize) -> Result<(), WeightsError> {
    for l in 0..layers {
        w.fold_layer_norm(&format!("h.{l}.ln_1"), &[&format!("h.{l}.attn.c_attn")])?;
        w.fold_layer_norm(&format!("h.{l}.ln_2"), &[&format!("h.{l}.mlp.c_fc")])?;
    }
    Ok(())
}
