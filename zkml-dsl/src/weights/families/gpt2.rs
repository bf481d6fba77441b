//! GPT-2: names of `GPT2LMHeadModel`, with and without `transformer.`.

use super::Rules;

pub(super) const RULES: Rules = Rules {
    prefixes: &["transformer."],
    endings: &[],
    drops: &[
        ("h.*.attn.bias", "causal mask, a buffer"),
        ("h.*.attn.masked_bias", "score of masked positions, a buffer"),
    ],
    known: &[
        "wte|wpe.weight",
        "h.*.ln_1|ln_2.weight|bias",
        "h.*.attn.c_attn|c_proj.weight|bias",
        "h.*.mlp.c_fc|c_proj.weight|bias",
        "ln_f.weight|bias",
        "lm_head.weight",
    ],
};
