//! `gpt2`, imported from `gpt2.onnx` by `zkml import`.

use zkml_dsl::prelude::*;

#[zk_model]
pub fn gpt2(
    input_ids: Tensor<I24, 1, 16>,
    #[name = "gpt2.lm_head.weight"]
    lm_head_weight: Weight<I16, 512, 64>,
    embedding_1: Weight<I24, 16, 64>,
    #[name = "gpt2.transformer.h.0.attn.c_attn.weight.0"]
    h_0_c_attn_weight_0: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.0.attn.c_attn.weight.1"]
    h_0_c_attn_weight_1: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.0.attn.c_attn.weight.2"]
    h_0_c_attn_weight_2: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.0.attn.c_proj.weight"]
    h_0_attn_c_proj_weight: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.0.mlp.c_fc.weight"]
    h_0_c_fc_weight: Weight<I12, 64, 256>,
    #[name = "gpt2.transformer.h.0.mlp.c_proj.weight"]
    h_0_mlp_c_proj_weight: Weight<I8, 256, 64>,
    #[name = "gpt2.transformer.h.1.attn.c_attn.weight.0"]
    h_1_c_attn_weight_0: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.1.attn.c_attn.weight.1"]
    h_1_c_attn_weight_1: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.1.attn.c_attn.weight.2"]
    h_1_c_attn_weight_2: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.1.attn.c_proj.weight"]
    h_1_attn_c_proj_weight: Weight<I12, 64, 64>,
    #[name = "gpt2.transformer.h.1.mlp.c_fc.weight"]
    h_1_c_fc_weight: Weight<I12, 64, 256>,
    #[name = "gpt2.transformer.h.1.mlp.c_proj.weight"]
    h_1_mlp_c_proj_weight: Weight<I8, 256, 64>,
    #[name = "gpt2.lm_head.weight.2"]
    lm_head_weight_2: Weight<I12, 64, 512>,
) -> Tensor<Acc, 1, 16, 512> {
    let h_0_ln_1 = quantize::<I16>(embedding(input_ids, lm_head_weight) + embedding_1);
    let h_0_c_attn = quantize::<I12>(layer_norm(h_0_ln_1, epsilon = 1e-5, fraction = 9));
    let h_0_c_attn_2 = matmul(h_0_c_attn, h_0_c_attn_weight_0);
    let h_0_c_attn_3 = matmul(h_0_c_attn, h_0_c_attn_weight_1);
    let h_0_c_attn_4 = matmul(h_0_c_attn, h_0_c_attn_weight_2);
    let h_0_attn = attention(
        quantize_int8(h_0_c_attn_2),
        quantize_int8(h_0_c_attn_3),
        quantize_int8(h_0_c_attn_4),
        heads = 4,
        causal = true,
    );
    let h_0 = quantize::<I16>(matmul(h_0_attn, h_0_attn_c_proj_weight)) + h_0_ln_1;
    let h_0_ln_2 = quantize::<I16>(h_0);
    let h_0_c_fc = matmul(
        quantize::<I12>(layer_norm(h_0_ln_2, epsilon = 1e-5, fraction = 9)),
        h_0_c_fc_weight,
    );
    let h_0_act = gelu(quantize::<I12>(h_0_c_fc), tanh = true);
    let h_0_2 = h_0_ln_2 + quantize::<I16>(matmul(h_0_act, h_0_mlp_c_proj_weight));
    let h_1_ln_1 = quantize::<I16>(h_0_2);
    let h_1_c_attn = quantize::<I12>(layer_norm(h_1_ln_1, epsilon = 1e-5, fraction = 9));
    let h_1_c_attn_2 = matmul(h_1_c_attn, h_1_c_attn_weight_0);
    let h_1_c_attn_3 = matmul(h_1_c_attn, h_1_c_attn_weight_1);
    let h_1_c_attn_4 = matmul(h_1_c_attn, h_1_c_attn_weight_2);
    let h_1_attn = attention(
        quantize_int8(h_1_c_attn_2),
        quantize_int8(h_1_c_attn_3),
        quantize_int8(h_1_c_attn_4),
        heads = 4,
        causal = true,
    );
    let h_1 = quantize::<I16>(matmul(h_1_attn, h_1_attn_c_proj_weight)) + h_1_ln_1;
    let h_1_ln_2 = quantize::<I16>(h_1);
    let h_1_c_fc = matmul(
        quantize::<I12>(layer_norm(h_1_ln_2, epsilon = 1e-5, fraction = 9)),
        h_1_c_fc_weight,
    );
    let h_1_act = gelu(quantize::<I12>(h_1_c_fc), tanh = true);
    let h_1_2 = h_1_ln_2 + quantize::<I16>(matmul(h_1_act, h_1_mlp_c_proj_weight));
    let lm_head = quantize::<
        I12,
    >(layer_norm(quantize::<I16>(h_1_2), epsilon = 1e-5, fraction = 9));
    matmul(lm_head, lm_head_weight_2)
}
