//! The float references against an independent computation, and the weights that feed them.
//!
//! The expected values are the output of `transformers.py` (numpy), which writes the layers from their
//! definitions over the same formula weights.

use zkml_dsl::weights::{FloatTensor, FloatWeights};
use zkml_models::llama::Config;
use zkml_models::metrics::{max_abs_error, relative_rms_error};
use zkml_models::reference::{BertLayer, Gelu, Gpt2Block, LlamaBlock};
use zkml_models::seeded::{
    bert_input, bert_weights, gpt2_input, gpt2_weights, llama_model, select_bert, select_gpt2, Size, BASE,
};

const SMALL: Size = Size { d: 4, heads: 2, d_ff: 6 };

/// Replaces each tensor, in alphabetical order, by `sin(1 + i + 7 t) / 2` (value i of tensor t), plus 1 in norm gains.
fn formula(mut weights: FloatWeights) -> FloatWeights {
    let names: Vec<String> = weights.names().map(str::to_owned).collect();
    for (t, name) in names.iter().enumerate() {
        let shape = weights.get(name).unwrap().shape.clone();
        let gain = shape.dims().len() == 1 && name.ends_with("weight");
        let value = |i| (f64::sin((1 + i + 7 * t) as f64) / 2.0 + if gain { 1.0 } else { 0.0 }) as f32;
        let data = (0..shape.len()).map(value).collect();
        weights.insert(name, FloatTensor { shape, data }).unwrap();
    }
    weights
}

fn input() -> Vec<f32> {
    (0..12).map(|i| f64::cos((3 * i) as f64) as f32).collect()
}

#[test]
fn gpt2_block_is_as_numpy_says() {
    let block = Gpt2Block::new(&formula(gpt2_weights(SMALL, 1, 0)), "h.0", SMALL.heads).unwrap();
    let erf = block.forward(&input(), Gelu::Erf);
    assert!(max_abs_error(&erf, &GPT2_ERF) < 1e-6, "{erf:?}");
    let tanh = block.forward(&input(), Gelu::Tanh);
    assert!(max_abs_error(&tanh, &GPT2_TANH) < 1e-6, "{tanh:?}");
}

#[test]
fn bert_layer_is_as_numpy_says() {
    let weights = formula(bert_weights(SMALL, 1, 0));
    let layer = BertLayer::new(&weights, "encoder.layer.0", SMALL.heads).unwrap();
    let got = layer.forward(&input(), &[true, true, false]);
    assert!(max_abs_error(&got, &BERT) < 1e-6, "{got:?}");
}

#[test]
fn llama_block_is_as_numpy_says() {
    let (d, heads, kv_heads, head, ff) = (4, 2, 1, 4, 6);
    let config = Config { d, heads, kv_heads, head, ff, layers: 1, words: 1, theta: 500_000, factor: 32 };
    let mut weights = llama_model(config, 0);
    weights.retain(|name| name.starts_with("layers."));
    let got = LlamaBlock::new(&formula(weights), "layers.0", &config).unwrap().forward(&input());
    assert!(max_abs_error(&got, &LLAMA) < 1e-6, "{got:?}");
}

#[test]
fn a_padded_key_does_not_matter_and_a_later_one_does_not_either() {
    let mut x = bert_input(SMALL, 3, 5);
    let layer = BertLayer::new(&bert_weights(SMALL, 1, 1), "encoder.layer.0", SMALL.heads).unwrap();
    let block = Gpt2Block::new(&gpt2_weights(SMALL, 1, 1), "h.0", SMALL.heads).unwrap();
    let mask = [true, true, false];
    let before = (layer.forward(&x, &mask), block.forward(&x, Gelu::Erf));
    x[8..].fill(9.0);
    let after = (layer.forward(&x, &mask), block.forward(&x, Gelu::Erf));
    assert_eq!(before.0[..8], after.0[..8]);
    assert_eq!(before.1[..8], after.1[..8]);
    assert_ne!(before.0[8..], after.0[8..]);
}

#[test]
fn seeded_weights_have_their_names_shapes_and_spread() {
    let w = gpt2_weights(BASE, 2, 0);
    assert_eq!(w.len(), 24);
    assert_eq!(w.dims("h.1.attn.c_attn.weight"), Some(&[768, 2304][..]));
    assert_eq!(w.dims("h.0.mlp.c_proj.weight"), Some(&[3072, 768][..]));
    let spread = |name: &str| {
        let t = w.get(name).unwrap();
        relative_rms_error(&t.data, &vec![1.0; t.data.len()])
    };
    assert!((spread("h.0.ln_1.weight") - 0.1).abs() < 0.01);
    let fc = w.get("h.0.mlp.c_fc.weight").unwrap();
    let rms = (fc.data.iter().map(|&v| (v as f64).powi(2)).sum::<f64>() / fc.data.len() as f64).sqrt();
    assert!((rms - 0.02).abs() < 1e-4, "{rms}");
    // A tensor's values depend on its name and the seed only.
    let one = gpt2_weights(BASE, 1, 0);
    assert_eq!(one.get("h.0.ln_2.bias").unwrap(), w.get("h.0.ln_2.bias").unwrap());
    assert_ne!(w.get("h.0.ln_2.bias").unwrap(), w.get("h.1.ln_2.bias").unwrap());
    let bert = bert_weights(BASE, 1, 0);
    assert_eq!(bert.len(), 16);
    assert_eq!(bert.dims("encoder.layer.0.intermediate.dense.weight"), Some(&[3072, 768][..]));
    assert_eq!(gpt2_input(BASE, 64, 0).len(), 64 * 768);
}

#[test]
fn selects_from_full_files() {
    let one = || FloatTensor { shape: zkml_dsl::weights::Shape::new([1]), data: vec![1.0] };
    let mut file = gpt2_weights(SMALL, 3, 0);
    for extra in ["wte.weight", "h.0.attn.bias", "h.0.attn.masked_bias", "ln_f.weight"] {
        file.insert(extra, one()).unwrap();
    }
    let names = |w: &FloatWeights| w.names().map(str::to_owned).collect::<Vec<_>>();
    let expected = names(&gpt2_weights(SMALL, 2, 0));
    assert_eq!(names(&select_gpt2(file.clone(), 2).unwrap()), expected);
    file.rename_prefix("", "transformer.").unwrap();
    file.insert("lm_head.weight", one()).unwrap();
    assert_eq!(names(&select_gpt2(file, 2).unwrap()), expected);

    let mut old = bert_weights(SMALL, 1, 0);
    let expected = names(&old);
    for (norm, new) in [("weight", "gamma"), ("bias", "beta")] {
        for at in ["attention.output.LayerNorm.", "output.LayerNorm."].map(|n| format!("encoder.layer.0.{n}"))
        {
            old.rename_prefix(&format!("{at}{norm}"), &format!("{at}{new}")).unwrap();
        }
    }
    old.rename_prefix("", "bert.").unwrap();
    old.insert("cls.predictions.bias", one()).unwrap();
    assert_eq!(names(&select_bert(old, 1).unwrap()), expected);
}

const GPT2_ERF: [f32; 12] = [
    1.842457, -1.001965, 0.1047757, -1.823501, 1.680826, -0.782645, -0.2014628, -1.456015, 1.247091,
    -0.3348817, -0.7148487, -0.9096875,
];
const GPT2_TANH: [f32; 12] = [
    1.842456, -1.001978, 0.1047635, -1.823502, 1.680825, -0.7826526, -0.2014697, -1.456015, 1.24709,
    -0.3348828, -0.7148493, -0.9096871,
];
const BERT: [f32; 12] = [
    0.8546282, -0.8846368, -0.2192556, -1.268784, 0.9062306, -0.8371408, -0.4118195, -1.208948, 0.9258137,
    -0.5128274, -1.044183, -1.112451,
];
const LLAMA: [f32; 12] = [
    0.9496431,
    -1.001124,
    0.8764806,
    -0.9644693,
    0.7953803,
    -0.7632465,
    0.5749612,
    -0.6087832,
    0.3796017,
    -0.2774865,
    0.06637014,
    -0.09443831,
];
