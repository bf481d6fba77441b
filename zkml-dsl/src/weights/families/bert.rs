//! BERT: names of `BertModel` and of models with a head, whose encoder is `bert.`; files of sentence encoders are a
//! `BertModel`'s, whole pipelines put `0.auto_model.` before. Norms of files that came from TensorFlow have `gamma` and
//! `beta`.

use super::Rules;

pub(super) const RULES: Rules = Rules {
    prefixes: &["0.auto_model.", "bert."],
    endings: &[("**.LayerNorm.gamma", "weight"), ("**.LayerNorm.beta", "bias")],
    drops: &[
        ("embeddings.position_ids", "position numbers, a buffer"),
        ("embeddings.token_type_ids", "token type numbers, a buffer"),
        ("pooler.dense.weight|bias", "pooler, which only heads on the first token read"),
        ("cls.**", "head of the pre-training tasks"),
    ],
    known: &[
        "embeddings.word_embeddings|position_embeddings|token_type_embeddings.weight",
        "embeddings.LayerNorm.weight|bias",
        "encoder.layer.*.attention.self.query|key|value.weight|bias",
        "encoder.layer.*.attention.output.dense|LayerNorm.weight|bias",
        "encoder.layer.*.intermediate.dense.weight|bias",
        "encoder.layer.*.output.dense|LayerNorm.weight|bias",
        "pooler.dense.weight|bias",
        "cls.predictions.bias",
        "cls.predictions.decoder.weight|bias",
        "cls.predictions.transform.dense|LayerNorm.weight|bias",
        "cls.seq_relationship.weight|bias",
        "classifier|qa_outputs.weight|bias",
    ],
};
