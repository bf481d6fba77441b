//! Layers alone, for a stream of 12 bits.
//!
//! Weights are I8 with one step for each tensor; windows as in GPT-2's blocks. Gains are I12: a post-norm's gain and
//! bias cannot be folded, since their result is the residual stream as well.

use zkml_dsl::prelude::*;

/// One layer; weights under the names of a Hugging Face file and in its layout. `mask` is 1 for tokens, 0 for padding.
#[zk_model(SEQ = 128, D = 768, HEADS = 12, FF = 4 * D)]
pub fn bert_layer(
    x: Tensor<I12, SEQ, D>,
    mask: Tensor<U8, SEQ>,
    #[name("attention.self.query.weight", layout = "out_in")] w_q: Weight<I8, D, D>,
    #[name = "attention.self.query.bias"] b_q: Weight<I24, D>,
    #[name("attention.self.key.weight", layout = "out_in")] w_k: Weight<I8, D, D>,
    #[name = "attention.self.key.bias"] b_k: Weight<I24, D>,
    #[name("attention.self.value.weight", layout = "out_in")] w_v: Weight<I8, D, D>,
    #[name = "attention.self.value.bias"] b_v: Weight<I24, D>,
    #[name("attention.output.dense.weight", layout = "out_in")] w_out: Weight<I8, D, D>,
    #[name = "attention.output.dense.bias"] b_out: Weight<I24, D>,
    #[name = "attention.output.LayerNorm.weight"] gain_1: Weight<I12, D>,
    #[name = "attention.output.LayerNorm.bias"] bias_1: Weight<I24, D>,
    #[name("intermediate.dense.weight", layout = "out_in")] w_fc: Weight<I8, D, FF>,
    #[name = "intermediate.dense.bias"] b_fc: Weight<I24, FF>,
    #[name("output.dense.weight", layout = "out_in")] w_proj: Weight<I8, FF, D>,
    #[name = "output.dense.bias"] b_proj: Weight<I24, D>,
    #[name = "output.LayerNorm.weight"] gain_2: Weight<I12, D>,
    #[name = "output.LayerNorm.bias"] bias_2: Weight<I24, D>,
) -> Tensor<I12, SEQ, D> {
    let q = quantize_int8(matmul(x, w_q) + b_q, window = 15);
    let k = quantize_int8(matmul(x, w_k) + b_k, window = 15);
    let v = quantize_int8(matmul(x, w_v) + b_v, window = 15);
    let a = matmul(attention(q, k, v, heads = HEADS, mask = mask), w_out) + b_out;
    let a = quantize::<I12>(x + quantize::<I12>(a, window = 16), window = 14);
    let h = quantize::<I12>(layer_norm(a, epsilon = 1e-12) * gain_1 + bias_1, window = 16);
    let f = gelu(quantize::<I12>(matmul(h, w_fc) + b_fc, window = 16));
    let m = quantize::<I12>(matmul(f, w_proj) + b_proj, window = 20);
    let y = quantize::<I12>(h + quantize::<I12>(m, window = 14), window = 14);
    quantize::<I12>(layer_norm(y, epsilon = 1e-12) * gain_2 + bias_2, window = 16)
}

/// The first L layers, whose weights are `encoder.layer.0` and on.
#[zk_model(SEQ = 128, D = 768, HEADS = 12, L = 1)]
pub fn bert(
    x: Tensor<I12, SEQ, D>,
    mask: Tensor<U8, SEQ>,
    #[name = "encoder.layer"] layers: [bert_layer::Weights; L],
) -> Tensor<I12, SEQ, D> {
    let mut x = x;
    for l in 0..L {
        x = bert_layer(x, mask, layers[l], HEADS = HEADS);
    }
    x
}
