//! The names of published checkpoints, written from their naming rules.

use super::tensor;
use zkml_dsl::weights::{Dropped, Family, FloatWeights, WeightsError};

fn file(names: &[String]) -> FloatWeights {
    FloatWeights::from_tensors(names.iter().map(|n| (n.clone(), tensor(&[1], &[1.0])))).unwrap()
}

/// `{prefix}{l}.{name}` for every layer and name.
fn layers(prefix: &str, layers: usize, names: &[&str]) -> Vec<String> {
    (0..layers).flat_map(|l| names.iter().map(move |n| format!("{prefix}{l}.{n}"))).collect()
}

fn with(mut names: Vec<String>, more: &[&str]) -> Vec<String> {
    names.extend(more.iter().map(|n| n.to_string()));
    names.sort();
    names
}

fn prefixed(prefix: &str, names: &[String]) -> Vec<String> {
    names.iter().map(|n| format!("{prefix}{n}")).collect()
}

fn names(w: &FloatWeights) -> Vec<String> {
    w.names().map(str::to_owned).collect()
}

const GPT2_LAYER: [&str; 12] = [
    "ln_1.weight",
    "ln_1.bias",
    "attn.c_attn.weight",
    "attn.c_attn.bias",
    "attn.c_proj.weight",
    "attn.c_proj.bias",
    "ln_2.weight",
    "ln_2.bias",
    "mlp.c_fc.weight",
    "mlp.c_fc.bias",
    "mlp.c_proj.weight",
    "mlp.c_proj.bias",
];

const BERT_LAYER: [&str; 16] = [
    "attention.self.query.weight",
    "attention.self.query.bias",
    "attention.self.key.weight",
    "attention.self.key.bias",
    "attention.self.value.weight",
    "attention.self.value.bias",
    "attention.output.dense.weight",
    "attention.output.dense.bias",
    "attention.output.LayerNorm.weight",
    "attention.output.LayerNorm.bias",
    "intermediate.dense.weight",
    "intermediate.dense.bias",
    "output.dense.weight",
    "output.dense.bias",
    "output.LayerNorm.weight",
    "output.LayerNorm.bias",
];

const LLAMA_LAYER: [&str; 9] = [
    "input_layernorm.weight",
    "self_attn.q_proj.weight",
    "self_attn.k_proj.weight",
    "self_attn.v_proj.weight",
    "self_attn.o_proj.weight",
    "post_attention_layernorm.weight",
    "mlp.gate_proj.weight",
    "mlp.up_proj.weight",
    "mlp.down_proj.weight",
];

fn gpt2(n: usize) -> Vec<String> {
    with(layers("h.", n, &GPT2_LAYER), &["wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"])
}

fn bert(n: usize) -> Vec<String> {
    with(
        layers("encoder.layer.", n, &BERT_LAYER),
        &[
            "embeddings.word_embeddings.weight",
            "embeddings.position_embeddings.weight",
            "embeddings.token_type_embeddings.weight",
            "embeddings.LayerNorm.weight",
            "embeddings.LayerNorm.bias",
        ],
    )
}

#[test]
fn gpt2_small_without_a_prefix() {
    let masks = layers("h.", 12, &["attn.bias"]);
    let all: Vec<_> = gpt2(12).into_iter().chain(masks.clone()).collect();
    assert_eq!(all.len(), 160);
    let mut w = file(&all);
    let report = w.rename_family(Family::Gpt2, &[]).unwrap();
    assert_eq!(names(&w), gpt2(12));
    assert_eq!(report.renamed, []);
    assert_eq!(report.unknown, [""; 0]);
    let mut dropped: Vec<_> = report.dropped.iter().map(|d| d.name.clone()).collect();
    dropped.sort_by_key(|n| masks.iter().position(|m| m == n));
    assert_eq!(dropped, masks);
    assert!(report.dropped.iter().all(|d| d.why == "causal mask, a buffer"));
    assert_eq!(
        report.to_string(),
        "0 tensors renamed, 12 dropped\n  causal mask, a buffer: `h.0.attn.bias` and 11 more"
    );
}

#[test]
fn distilgpt2_with_a_prefix_and_a_head() {
    let buffers = layers("h.", 6, &["attn.bias", "attn.masked_bias"]);
    let mut all = prefixed("transformer.", &[gpt2(6), buffers].concat());
    all.push("lm_head.weight".into());
    let mut w = file(&all);
    let report = w.rename_family(Family::Gpt2, &[]).unwrap();
    assert_eq!(names(&w), with(gpt2(6), &["lm_head.weight"]));
    assert_eq!((report.renamed.len(), report.dropped.len(), report.unknown.len()), (76, 12, 0));
    assert!(report
        .renamed
        .contains(&("transformer.h.5.attn.c_attn.bias".into(), "h.5.attn.c_attn.bias".into())));
    let masked = Dropped {
        name: "transformer.h.0.attn.masked_bias".into(),
        why: "score of masked positions, a buffer",
    };
    assert!(report.dropped.contains(&masked));
}

#[test]
fn all_minilm_l6() {
    let extra = ["embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"];
    let all = with(bert(6), &extra);
    assert_eq!(all.len(), 104);
    for prefix in ["", "bert.", "0.auto_model."] {
        let mut w = file(&prefixed(prefix, &all));
        let report = w.rename_family(Family::Bert, &[]).unwrap();
        assert_eq!(names(&w), bert(6), "{prefix}");
        let dropped: Vec<_> = report.dropped.iter().map(|d| d.name.clone()).collect();
        assert_eq!(dropped, prefixed(prefix, &with(vec![], &extra)), "{prefix}");
        assert_eq!(report.unknown, [""; 0]);
        assert_eq!(report.renamed.len(), if prefix.is_empty() { 0 } else { 101 });
    }
}

#[test]
fn bert_base_uncased_with_old_norms() {
    let old = |n: String| match n.strip_suffix(".LayerNorm.weight") {
        Some(path) => format!("{path}.LayerNorm.gamma"),
        None => n.strip_suffix(".LayerNorm.bias").map_or(n.clone(), |path| format!("{path}.LayerNorm.beta")),
    };
    let encoder: Vec<String> = bert(12).into_iter().map(old).collect();
    let heads = [
        "cls.predictions.bias",
        "cls.predictions.transform.LayerNorm.beta",
        "cls.predictions.transform.LayerNorm.gamma",
        "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.dense.weight",
        "cls.seq_relationship.bias",
        "cls.seq_relationship.weight",
    ];
    let pooler = ["bert.pooler.dense.bias", "bert.pooler.dense.weight"];
    let all = with(prefixed("bert.", &encoder), &[&heads[..], &pooler[..]].concat());
    assert_eq!(all.len(), 206);
    let mut w = file(&all);
    let report = w.rename_family(Family::Bert, &[]).unwrap();
    assert_eq!(names(&w), bert(12));
    assert_eq!(report.dropped.len(), 9);
    assert_eq!(
        report.to_string(),
        "197 tensors renamed, 9 dropped
  head of the pre-training tasks: `cls.predictions.bias` and 6 more
  pooler, which only heads on the first token read: `bert.pooler.dense.bias` and 1 more"
    );
    // A model with a head asks for what it needs.
    let mut w = file(&all);
    let keep = ["pooler.dense.weight|bias", "cls.predictions.**"];
    let report = w.rename_family(Family::Bert, &keep).unwrap();
    let kept = [
        "pooler.dense.weight",
        "pooler.dense.bias",
        "cls.predictions.bias",
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.transform.LayerNorm.bias",
        "cls.predictions.transform.dense.weight",
        "cls.predictions.transform.dense.bias",
    ];
    assert_eq!(names(&w), with(bert(12), &kept));
    let dropped: Vec<_> = report.dropped.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(dropped, heads[5..]);
    assert_eq!(report.unknown, [""; 0]);
}

#[test]
fn smollm2_and_llama_3_2() {
    for (depth, tensors) in [(30, 272), (16, 146)] {
        let inner = with(layers("layers.", depth, &LLAMA_LAYER), &["embed_tokens.weight", "norm.weight"]);
        assert_eq!(inner.len(), tensors);
        let mut w = file(&prefixed("model.", &inner));
        let report = w.rename_family(Family::Llama, &[]).unwrap();
        assert_eq!(names(&w), inner);
        assert_eq!((report.renamed.len(), report.dropped.len(), report.unknown.len()), (tensors, 0, 0));
        assert!(w.tie("lm_head.weight", "embed_tokens.weight").unwrap());
    }
}

#[test]
fn llama_with_a_head_and_rotary_tables() {
    let inner = with(layers("layers.", 2, &LLAMA_LAYER), &["embed_tokens.weight", "norm.weight"]);
    let tables = layers("layers.", 2, &["self_attn.rotary_emb.inv_freq"]);
    let mut all = prefixed("model.", &[inner.clone(), tables].concat());
    all.extend(["lm_head.weight".into(), "model.rotary_emb.inv_freq".into()]);
    let mut w = file(&all);
    let report = w.rename_family(Family::Llama, &[]).unwrap();
    assert_eq!(names(&w), with(inner, &["lm_head.weight"]));
    assert_eq!(report.dropped.len(), 3);
    assert!(!w.tie("lm_head.weight", "embed_tokens.weight").unwrap());
}

#[test]
fn what_no_rule_knows_stays_and_is_named() {
    let mut w = file(&["transformer.wte.weight".into(), "transformer.score".into(), "transformer.".into()]);
    let report = w.rename_family(Family::Gpt2, &[]).unwrap();
    assert_eq!(names(&w), ["score", "transformer.", "wte.weight"]);
    assert_eq!(report.unknown, ["transformer.", "score"]);
    assert_eq!(
        report.to_string(),
        "2 tensors renamed, 0 dropped\n  not of the family: `transformer.`, `score`"
    );
    // A file of another family.
    let mut w = file(&prefixed("bert.", &bert(2)));
    let report = w.rename_family(Family::Gpt2, &[]).unwrap();
    assert_eq!(report.unknown.len(), w.len());
    assert!(report.to_string().ends_with(" and 17 more"), "{report}");
}

#[test]
fn two_tensors_of_one_name_change_nothing() {
    let all = ["embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight", "pooler.dense.bias"];
    let mut w = file(&all.map(str::to_owned));
    let error = w.rename_family(Family::Bert, &[]).unwrap_err();
    assert!(
        matches!(&error, WeightsError::NameTaken { from, to }
            if from == "embeddings.LayerNorm.gamma" && to == "embeddings.LayerNorm.weight"),
        "{error}"
    );
    assert_eq!(names(&w), with(vec![], &all));
    let mut w = file(&["transformer.wte.weight".into(), "wte.weight".into()]);
    let error = w.rename_family(Family::Gpt2, &[]).unwrap_err().to_string();
    assert_eq!(error, "cannot rename `transformer.wte.weight` to `wte.weight`: a tensor of that name exists");
}
