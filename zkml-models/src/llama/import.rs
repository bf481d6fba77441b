//! The weights of a published Llama as [`super::llama`] takes them.

use super::Config;
use zkml_dsl::weights::{Family, FloatWeights, WeightsError};

/// Brings a Hugging Face checkpoint's names to ours ([`rename`]), keeps the configuration's blocks, turns matrices to
/// \[in, out\], folds every block's norms into the products that read them and pads the vocabulary.
pub fn import(mut w: FloatWeights, config: &Config) -> Result<FloatWeights, WeightsError> {
    rename(&mut w)?;
    let kept: Vec<String> = (0..config.layers).map(|l| format!("layers.{l}.")).collect();
    w.retain(|name| !name.starts_with("layers.") || kept.iter().any(|prefix| name.starts_with(prefix)));
    w.transpose_matching("layers.*.self_attn|mlp.**")?;
    fold(&mut w, config.layers)?;
    w.pad_rows("embed_tokens.weight", config.vocab())?;
    Ok(w)
}

/// Names without `model.`. The output embedding is the token table: a file's copy of it is dropped. Another one stays, and
/// loading says that no weight of the model has its name.
pub fn rename(w: &mut FloatWeights) -> Result<(), WeightsError> {
    w.rename_family(Family::Llama, &[])?;
    if w.dims("lm_head.weight").is_some() && w.get("lm_head.weight")? == w.get("embed_tokens.weight")? {
        w.remove("lm_head.weight");
    }
    Ok(())
}

/// Folds the norms of blocks `layers.0` to `layers.{layers - 1}`, as [`super::llama_block`] wants its weights, \[in, out\].
pub fn fold(w: &mut FloatWeights, layers: usize) -> Result<(), WeightsError> {
    for l in 0..layers {
        let linears = |part: &str, names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("layers.{l}.{part}.{name}_proj")).collect()
        };
        for (norm, linears) in [
            ("input_layernorm", linears("self_attn", &["q", "k", "v"])),
            ("post_attention_layernorm", linears("mlp", &["gate", "up"])),
        ] {
            let linears: Vec<&str> = linears.iter().map(String::as_str).collect();
            w.fold_rms_norm(&format!("layers.{l}.{norm}"), &linears)?;
        }
    }
    Ok(())
}
