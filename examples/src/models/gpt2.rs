//! GPT-2 blocks: pre-norm, causal attention, GELU.
//!
//! * Weights are I8, the residual stream I12: its rounding adds a few hundredths of a per cent, and a layer norm takes it
//!   as it is.
//! * A layer norm gives I16 in units of 1/128 standard deviation, so what follows it loses nothing to 8 bits. Its gain and
//!   bias are folded into the product behind it ([`fold`]).
//! * Hidden units are I12 on both sides of the GELU: with I8 their rounding alone would cost 1.6 % of the result.
//! * Windows of 16 bits keep rescales in one table. A sum of two I12 tensors has 13 bits: it needs 14.
//! * The last product reaches 2^29.6, which leaves a rescale's multiplier one bit. A rescale to a step of its own loses
//!   nothing by that; one to the stream's step would take the difference from the weights' resolution. So it is brought to
//!   its own step first. What 3072 hidden units could add up to needs a window of 20 bits: in 16 the step would have to
//!   be several times coarser than what they do add up to.

use zkml_dsl::prelude::*;
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// One block; weights under the names of a Hugging Face file, norms folded.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, FF = 4 * D)]
pub fn gpt2_block(
    x: Tensor<I12, SEQ, D>,
    #[name = "attn.c_attn.weight"] w_qkv: Weight<I8, D, { 3 * D }>,
    #[name = "attn.c_attn.bias"] b_qkv: Weight<I24, { 3 * D }>,
    #[name = "attn.c_proj.weight"] w_out: Weight<I8, D, D>,
    #[name = "attn.c_proj.bias"] b_out: Weight<I24, D>,
    #[name = "mlp.c_fc.weight"] w_fc: Weight<I8, D, FF>,
    #[name = "mlp.c_fc.bias"] b_fc: Weight<I24, FF>,
    #[name = "mlp.c_proj.weight"] w_proj: Weight<I8, FF, D>,
    #[name = "mlp.c_proj.bias"] b_proj: Weight<I24, D>,
) -> Tensor<I12, SEQ, D> {
    let n = layer_norm(x);
    let a = attention(n, w_qkv, w_out, heads = HEADS, causal = true, b_qkv = b_qkv, b_out = b_out);
    let h = quantize::<I12>(x + quantize::<I12>(a, window = 16), window = 14);
    let f = gelu(quantize::<I12>(matmul(layer_norm(h), w_fc) + b_fc, window = 16));
    let m = quantize::<I12>(matmul(f, w_proj) + b_proj, window = 20);
    quantize::<I12>(h + quantize::<I12>(m, window = 14), window = 14)
}

/// The first L blocks, whose weights are `h.0` and on.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, L = 1)]
pub fn gpt2(x: Tensor<I12, SEQ, D>, #[name = "h"] blocks: [gpt2_block::Weights; L]) -> Tensor<I12, SEQ, D> {
    let mut x = x;
    for l in 0..L {
        x = gpt2_block(x, blocks[l], HEADS = HEADS);
    }
    x
}

/// Folds every block's layer norms into the products that read them, as [`gpt2_block`] wants its weights.
pub fn fold(weights: &mut FloatWeights, layers: usize) -> Result<(), WeightsError> {
    for l in 0..layers {
        weights.fold_layer_norm(&format!("h.{l}.ln_1"), &[&format!("h.{l}.attn.c_attn")])?;
        weights.fold_layer_norm(&format!("h.{l}.ln_2"), &[&format!("h.{l}.mlp.c_fc")])?;
    }
    Ok(())
}
