//! Llama: names of `LlamaForCausalLM`, with and without `model.`. Linear layers have biases where the configuration
//! says so; published sizes have none.

use super::Rules;

pub(super) const RULES: Rules = Rules {
    prefixes: &["model."],
    endings: &[],
    drops: &[("**.rotary_emb.inv_freq|cos_cached|sin_cached", "rotary table, a buffer")],
    known: &[
        "embed_tokens|norm|lm_head.weight",
        "layers.*.input_layernorm|post_attention_layernorm.weight",
        "layers.*.self_attn.q_proj|k_proj|v_proj|o_proj.weight|bias",
        "layers.*.mlp.gate_proj|up_proj|down_proj.weight|bias",
    ],
};
