//! What a checkpoint says beside its weights.

use crate::session::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use zkml_models::llama::Config;

/// `config.json` in the folder `path`, or beside the file `path`; `None` if there is none.
pub fn config_json(path: &Path) -> Option<PathBuf> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() }?;
    Some(folder.join("config.json")).filter(|p| p.is_file())
}

/// The sizes that a file tells, corrected by what its `config.json` knows better: heads, and the rotary angles. What the model
/// cannot be is an error.
pub fn llama_config(mut config: Config, json: &str) -> Result<Config, Failure> {
    let json: Value = serde_json::from_str(json)?;
    let whole = |name: &str, value: &Value| -> Result<usize, Failure> {
        let v = value.as_f64().filter(|v| v.fract() == 0.0 && (1.0..1e9).contains(v));
        Ok(v.ok_or_else(|| format!("config.json: `{name}` is {value}, expected a positive whole number"))?
            as usize)
    };
    let or = |name: &str, default: usize| match json.get(name).filter(|v| !v.is_null()) {
        Some(v) => whole(name, v),
        None => Ok(default),
    };
    // The rows of the matrices are heads times width, whatever the heads are.
    let (rows, kv_rows) = (config.heads * config.head, config.kv_heads * config.head);
    config.heads = or("num_attention_heads", config.heads)?;
    // Without groups each head has keys and values of its own.
    config.kv_heads = or("num_key_value_heads", config.heads)?;
    config.head = or("head_dim", config.d / config.heads)?;
    if (config.heads * config.head, config.kv_heads * config.head) != (rows, kv_rows) {
        let Config { heads, kv_heads, head, .. } = config;
        return Err(format!(
            "config.json: {heads} and {kv_heads} heads of width {head}, but the file's matrices have {rows} and {kv_rows} rows"
        )
        .into());
    }
    config.theta = or("rope_theta", 10_000)?;
    config.factor = 1;
    let expect = |name: &str, value: Option<&Value>, expected: f64| match value.and_then(Value::as_f64) {
        Some(v) if v != expected => Err(format!("config.json: `{name}` is {v}, the model has {expected}")),
        _ => Ok(()),
    };
    expect("rms_norm_eps", json.get("rms_norm_eps"), 1e-5)?;
    if let Some(scaling) = json.get("rope_scaling").filter(|v| !v.is_null()) {
        let kind = scaling.get("rope_type").or(scaling.get("type")).and_then(Value::as_str);
        if kind != Some("llama3") {
            return Err(format!("config.json: `rope_scaling` is {scaling}, the model knows `llama3`").into());
        }
        config.factor = whole("rope_scaling.factor", &scaling["factor"])?;
        for (name, expected) in [
            ("low_freq_factor", 1.0),
            ("high_freq_factor", 4.0),
            ("original_max_position_embeddings", 8192.0),
        ] {
            expect(&format!("rope_scaling.{name}"), scaling.get(name), expected)?;
        }
    }
    if json.get("hidden_act").and_then(Value::as_str).is_some_and(|act| act != "silu") {
        return Err(
            format!("config.json: `hidden_act` is {}, the model has `silu`", json["hidden_act"]).into()
        );
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the files' shapes and an unknown vocabulary give.
    fn guess(config: Config) -> Config {
        Config { theta: 10_000, factor: 1, ..config }
    }

    #[test]
    fn published_configurations() {
        let smollm2 = r#"{"hidden_act": "silu", "hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3,
            "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 100000}"#;
        let known = Config::SMOLLM2_135M;
        assert_eq!(llama_config(guess(known), smollm2).unwrap(), known);
        let llama = r#"{"head_dim": 64, "num_attention_heads": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
            "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 500000.0}"#;
        let known = Config::LLAMA_3_2_1B;
        assert_eq!(llama_config(guess(known), llama).unwrap(), known);
        // Heads of other widths have the same rows.
        let wide = r#"{"num_attention_heads": 16, "num_key_value_heads": 4}"#;
        let got = llama_config(guess(known), wide).unwrap();
        assert_eq!(got, Config { heads: 16, kv_heads: 4, head: 128, ..guess(known) });
    }

    #[test]
    fn what_the_model_is_not() {
        for (json, expected) in [
            (r#"{"rms_norm_eps": 1e-6}"#, "`rms_norm_eps` is 0.000001, the model has 0.00001"),
            (r#"{"rope_scaling": {"type": "linear", "factor": 2}}"#, "the model knows `llama3`"),
            (r#"{"rope_scaling": {"rope_type": "llama3"}}"#, "`rope_scaling.factor` is null, expected"),
            (r#"{"rope_theta": -1}"#, "`rope_theta` is -1, expected a positive whole number"),
            (r#"{"hidden_act": "gelu"}"#, "`hidden_act` is \"gelu\", the model has `silu`"),
            (
                r#"{"num_attention_heads": 8}"#,
                "8 and 3 heads of width 72, but the file's matrices have 576 and 192 rows",
            ),
        ] {
            let json = json.replacen('{', r#"{"num_key_value_heads": 3, "#, 1);
            let error = llama_config(Config::SMOLLM2_135M, &json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        llama_config(Config::SMOLLM2_135M, "{").unwrap_err();
    }

    #[test]
    fn beside_the_weights() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(config_json(dir.path()), None);
        let json = dir.path().join("config.json");
        std::fs::write(&json, "{}").unwrap();
        assert_eq!(config_json(dir.path()), Some(json.clone()));
        assert_eq!(config_json(&dir.path().join("model.safetensors")), Some(json));
    }
}
