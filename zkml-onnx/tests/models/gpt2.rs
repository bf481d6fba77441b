//! `gpt2`, imported from `gpt2.onnx` by `zkml import`.

use zkml_dsl::prelude::*;

#[zk_model(report = line)]
pub fn block(
    x: Tensor<I16, 1, 16, 64>,
    #[name = "attn.c_attn.weight.0"]
    c_attn_weight_0: Weight<I12, 64, 64>,
    #[name = "attn.c_attn.weight.1"]
    c_attn_weight_1: Weight<I12, 64, 64>,
    #[name = "attn.c_attn.weight.2"]
    c_attn_weight_2: Weight<I12, 64, 64>,
    #[name = "attn.c_proj.weight"]
    attn_c_proj_weight: Weight<I12, 64, 64>,
    #[name = "mlp.c_fc.weight"]
    c_fc_weight: Weight<I12, 64, 256>,
    #[name = "mlp.c_proj.weight"]
    mlp_c_proj_weight: Weight<I8, 256, 64>,
) -> Tensor<I16, 1, 16, 64> {
    let c_attn = quantize::<I12>(layer_norm(x, epsilon = 1e-5, fraction = 9));
    let c_attn_2 = matmul(c_attn, c_attn_weight_0);
    let c_attn_3 = matmul(c_attn, c_attn_weight_1);
    let c_attn_4 = matmul(c_attn, c_attn_weight_2);
    let attn = attention(
        quantize_int8(c_attn_2),
        quantize_int8(c_attn_3),
        quantize_int8(c_attn_4),
        heads = 4,
        causal = true,
    );
    let ln_2 = quantize::<I16>(quantize::<I16>(matmul(attn, attn_c_proj_weight)) + x);
    let c_fc = matmul(
        quantize::<I12>(layer_norm(ln_2, epsilon = 1e-5, fraction = 9)),
        c_fc_weight,
    );
    let act = gelu(quantize::<I12>(c_fc), tanh = true);
    let x = quantize::<I16>(ln_2 + quantize::<I16>(matmul(act, mlp_c_proj_weight)));
    x
}

#[zk_model]
pub fn gpt2(
    input_ids: Tensor<I24, 1, 16>,
    #[name = "gpt2.lm_head.weight"]
    lm_head_weight: Weight<I16, 512, 64>,
    embedding_1: Weight<I24, 16, 64>,
    #[name = "gpt2.transformer.h"]
    blocks: [block::Weights; 2],
    #[name = "gpt2.lm_head.weight.2"]
    lm_head_weight_2: Weight<I12, 64, 512>,
) -> Tensor<Acc, 1, 16, 512> {
    let h_0_ln_1 = quantize::<I16>(embedding(input_ids, lm_head_weight) + embedding_1);
    let mut x = h_0_ln_1;
    for l in 0..2 {
        x = block(x, blocks[l]);
    }
    let output = matmul(
        quantize::<I12>(layer_norm(x, epsilon = 1e-5, fraction = 9)),
        lm_head_weight_2,
    );
    output
}
