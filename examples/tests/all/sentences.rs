//! The sentence encoder: at a small size from calibration to proof, its import, its tokenizer, and the float reference against
//! the embeddings of the published model.

use safetensors::SafeTensors;
use zkml_dsl::weights::{FloatWeights, WeightsError};
use zkml_examples::minilm::{sentences, Files, Words, CALIBRATION};
use zkml_models::bert::{bert_encoder, embedding, import, Config, Sentence, SentenceError};
use zkml_models::metrics::{cosine, max_abs_error};
use zkml_models::reference::BertEncoder;
use zkml_models::seeded::{bert_model, tokens};
use zkml_models::vision::digits::data_path;

const SEQ: usize = 8;
const TINY: Config = Config { d: 64, heads: 4, layers: 2, words: 200, context: 16 };

/// Seeded tokens, as many as the seed leaves room for.
fn sentence(seed: u64) -> Vec<i32> {
    tokens(TINY.words, SEQ - seed as usize % 4, seed)
}

#[test]
fn an_encoder_is_proven_and_near_its_reference() {
    let file = bert_model(TINY, 0);
    let float = BertEncoder::new(&file, &TINY).unwrap();
    let (weights, config) = import(file, TINY.heads, None).unwrap();
    assert_eq!(config, TINY);
    let encoder = bert_encoder::with(bert_encoder::Dims {
        SEQ,
        D: TINY.d,
        HEADS: TINY.heads,
        L: TINY.layers,
        VOCAB: TINY.vocab(),
        CONTEXT: TINY.context,
    })
    .unwrap();
    let padded = |seed| Sentence::padded(&sentence(seed), SEQ).unwrap();
    let samples: Vec<_> = (10..16).map(|seed| padded(seed).sample()).collect();
    let model = encoder.calibrate(&weights, &samples).unwrap();

    for seed in 0..4 {
        let (x, mask) = padded(seed).inputs().unwrap();
        let y = model.run(&x, &mask).unwrap();
        let got = embedding(encoder.graph(), model.as_ref().params(), &y).unwrap();
        let c = cosine(&got, &float.embed(&sentence(seed)));
        assert!(c > 0.999, "{seed}: {c}");
        let length = got.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 3e-3, "{length}");
    }

    // Three tokens of padding, whose rows count nowhere.
    let (x, mask) = padded(3).inputs().unwrap();
    let (y, proof) = model.prove(&x, &mask).unwrap();
    assert_eq!(model.run(&x, &mask).unwrap(), y);
    let key = model.verifier_key();
    encoder.verify(&key, &x, &mask, &y, &proof).unwrap();
    let (other, all) = padded(4).inputs().unwrap();
    encoder.verify(&key, &other, &mask, &y, &proof).unwrap_err();
    encoder.verify(&key, &x, &all, &y, &proof).unwrap_err();
}

#[test]
fn padding_does_not_matter() {
    let file = bert_model(TINY, 1);
    let (weights, _) = import(file, TINY.heads, Some(1)).unwrap();
    let dims = |seq| bert_encoder::Dims {
        SEQ: seq,
        D: TINY.d,
        HEADS: TINY.heads,
        L: 1,
        VOCAB: TINY.vocab(),
        CONTEXT: TINY.context,
    };
    let encoder = bert_encoder::with(dims(SEQ)).unwrap();
    let samples: Vec<_> = (0..3).map(|s| Sentence::padded(&sentence(s), SEQ).unwrap().sample()).collect();
    let model = encoder.calibrate(&weights, &samples).unwrap();
    let mut short = Sentence::padded(&sentence(7), SEQ).unwrap();
    let run = |s: &Sentence| {
        let (x, mask) = s.inputs().unwrap();
        model.run(&x, &mask).unwrap()
    };
    let before = run(&short);
    let last = short.mask.iter().filter(|&&m| m == 1).count();
    short.tokens[last..].fill(99);
    assert_eq!(run(&short), before);
    short.mask[last] = 1;
    assert_ne!(run(&short), before);
}

#[test]
fn an_import_folds_types_and_gives_scales() {
    let file = bert_model(TINY, 0);
    let get = |w: &FloatWeights, name: &str| w.get(name).unwrap().into_owned();
    let (places, types) =
        ["position", "token_type"].map(|t| get(&file, &format!("embeddings.{t}_embeddings.weight"))).into();
    let mut old = file.clone();
    old.rename_prefix("", "bert.").unwrap();
    let (w, config) = import(old, TINY.heads, Some(1)).unwrap();
    assert_eq!(config, Config { layers: 1, ..TINY });
    // Tables and norm, and of one layer six products of three tensors each and two norms.
    assert_eq!(w.len(), 4 + 6 * 3 + 2 * 2);
    assert_eq!(w.dims("embeddings.word_embeddings.weight"), Some(&[256, 64][..]));
    let sums = get(&w, "embeddings.position_embeddings.weight");
    assert_eq!(sums.data[65], places.data[65] + types.data[1]);
    let (path, scales) =
        ("encoder.layer.0.intermediate.dense", get(&w, "encoder.layer.0.intermediate.dense.scale"));
    let (before, after) = (get(&file, &format!("{path}.weight")), get(&w, &format!("{path}.weight")));
    // [out, in] before, [in, out] after.
    assert_eq!(after.shape.dims(), [64, 256]);
    let restored = after.data[3 * 256 + 5] * scales.data[5];
    assert!((restored - before.data[5 * 64 + 3]).abs() < 1e-8);

    let mut broken = file;
    broken.remove("embeddings.token_type_embeddings.weight");
    assert!(matches!(import(broken, 4, None), Err(WeightsError::NotFound { .. })));
}

#[test]
fn sentences_fit_or_are_refused() {
    let s = Sentence::padded(&[5, 6], 3).unwrap();
    assert_eq!((s.tokens, s.mask), (vec![5, 6, 0], vec![1, 1, 0]));
    assert_eq!(Sentence::padded(&[5, 6], 1), Err(SentenceError::Long { most: 1, got: 2 }));
    assert_eq!(Sentence::padded(&[], 1), Err(SentenceError::Empty));
}

/// A tokenizer file that cuts at three tokens and pads, as published ones do at 128.
#[test]
fn a_tokenizer_neither_cuts_nor_pads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    std::fs::write(&path, TOKENIZER).unwrap();
    let words = Words::open(&path).unwrap();
    assert_eq!(words.tokens("Cats sleep, slept").unwrap(), [1, 3, 4, 5, 8, 6, 5, 7, 2]);
    assert_eq!(words.tokens("dogs").unwrap(), [1, 0, 2]);
}

const TOKENIZER: &str = r###"{
    "version": "1.0",
    "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
    "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null,
                "pad_id": 0, "pad_type_id": 0, "pad_token": "[UNK]"},
    "added_tokens": [],
    "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                   "strip_accents": null, "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                   {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
                           "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}},
    "decoder": null,
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100,
              "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "cat": 3, "##s": 4, "sle": 5, "##ep": 8, ",": 6,
                        "##pt": 7}}
}"###;

#[test]
fn a_missing_model_says_how_to_fetch_it() {
    let dir = tempfile::tempdir().unwrap();
    let error = Files::find(Some(dir.path())).unwrap_err().to_string();
    assert!(error.contains("model.safetensors") && error.contains("fetch.py"), "{error}");
    for file in ["w.safetensors", "tokenizer.json", "config.json"] {
        std::fs::write(dir.path().join(file), r#"{"num_attention_heads": 12}"#).unwrap();
    }
    let files = Files::find(Some(&dir.path().join("w.safetensors"))).unwrap();
    assert_eq!(files.tokenizer, dir.path().join("tokenizer.json"));
    assert_eq!(files.heads().unwrap(), 12);
    std::fs::write(&files.config, "{}").unwrap();
    assert!(files.heads().unwrap_err().to_string().contains("num_attention_heads"));
}

#[test]
fn calibration_is_on_other_sentences() {
    let embedded = sentences().unwrap();
    assert_eq!(embedded.len(), 20);
    assert!(CALIBRATION.iter().all(|c| !embedded.iter().any(|s| s == c)));
}

/// Needs the published model, and says so where it is not.
#[test]
fn the_reference_is_the_published_model() {
    let files = match Files::find(None) {
        Ok(files) => files,
        Err(missing) => return eprintln!("skipped: {missing}"),
    };
    let bytes = std::fs::read(data_path("minilm_embeddings.safetensors")).unwrap();
    let published = SafeTensors::deserialize(&bytes).unwrap();
    let ints = |name: &str| -> Vec<i32> {
        let data = published.tensor(name).unwrap().data();
        data.as_chunks::<4>().0.iter().map(|&b| i32::from_le_bytes(b)).collect()
    };
    let (tokens, lengths) = (ints("tokens"), ints("lengths"));
    let expected = FloatWeights::open(data_path("minilm_embeddings.safetensors")).unwrap();
    let expected = expected.get("embeddings").unwrap().into_owned().data;
    let words = Words::open(&files.tokenizer).unwrap();
    let mut file = FloatWeights::open(&files.weights).unwrap();
    file.drop_integers();
    let config = Config::of(&file, files.heads().unwrap()).unwrap();
    assert_eq!(config, Config::MINILM);
    let float = BertEncoder::new(&file, &config).unwrap();
    let width = tokens.len() / lengths.len();
    for (i, text) in sentences().unwrap().iter().enumerate() {
        let own = words.tokens(text).unwrap();
        assert_eq!(own, tokens[i * width..][..lengths[i] as usize], "{text}");
        let off = max_abs_error(&float.embed(&own), &expected[i * config.d..][..config.d]);
        assert!(off < 1e-5, "{text}: {off}");
    }
}
