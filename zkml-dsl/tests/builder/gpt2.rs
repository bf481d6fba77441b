//! GPT-2 as `zkml-models` has it: models that call models and hand their weights on.

use zkml_dsl::prelude::*;

/// One block; weights under the names of a Hugging Face file, norms folded.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, FF = 4 * D, report = off)]
pub fn gpt2_block(
    x: Tensor<I16, SEQ, D>,
    #[name = "attn.c_attn.weight"] w_qkv: Weight<I8, D, { 3 * D }>,
    #[name = "attn.c_attn.bias"] b_qkv: Weight<I24, { 3 * D }>,
    #[name = "attn.c_proj.weight"] w_out: Weight<I8, D, D>,
    #[name = "attn.c_proj.bias"] b_out: Weight<I24, D>,
    #[name = "mlp.c_fc.weight"] w_fc: Weight<I8, D, FF>,
    #[name = "mlp.c_fc.bias"] b_fc: Weight<I24, FF>,
    #[name = "mlp.c_proj.weight"] w_proj: Weight<I8, FF, D>,
    #[name = "mlp.c_proj.bias"] b_proj: Weight<I24, D>,
) -> Tensor<I16, SEQ, D> {
    let n = quantize::<I12>(layer_norm(x), window = 16);
    let a = attention(n, w_qkv, w_out, heads = HEADS, causal = true, b_qkv = b_qkv, b_out = b_out);
    let h = quantize::<I16>(x + quantize::<I16>(a, window = 16), window = 17);
    let n = quantize::<I12>(layer_norm(h), window = 16);
    let f = gelu(quantize::<I12>(matmul(n, w_fc) + b_fc, window = 16), tanh = true);
    let m = quantize::<I12>(matmul(f, w_proj) + b_proj, window = 20);
    quantize::<I16>(h + quantize::<I16>(m, window = 16), window = 17)
}

/// Tokens to the residual stream behind the last block.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, L = 12, VOCAB = 50304, CONTEXT = 1024, report = off)]
pub fn gpt2_trunk(
    tokens: Tensor<I24, SEQ>,
    wte: Weight<I8, VOCAB, D>,
    wpe: Weight<I12, CONTEXT, D>,
    blocks: [gpt2_block::Weights; L],
) -> Tensor<I16, SEQ, D> {
    let words = quantize::<I16>(embedding(tokens, wte), window = 17);
    let places = quantize::<I16>(slice(wpe, axis = 0, range = 0..SEQ), window = 17);
    let mut x = quantize::<I16>(words + places, window = 17);
    for l in 0..L {
        x = gpt2_block(x, blocks[l], HEADS = HEADS);
    }
    x
}

/// The final norm of some rows of the stream.
#[zk_model(ROWS = 1, D = 768, report = off)]
pub fn last_norm(
    x: Tensor<I16, ROWS, D>,
    gain: Weight<I12, D>,
    bias: Weight<I24, D>,
) -> Tensor<I12, ROWS, D> {
    quantize::<I12>(quantize::<I12>(layer_norm(x), window = 16) * gain + bias, window = 16)
}

/// GPT-2 small unless said otherwise: the logits of the token that follows. Those of the padding are zero.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, L = 12, VOCAB = 50304, CONTEXT = 1024, report = off)]
pub fn gpt2(
    tokens: Tensor<I24, SEQ>,
    #[name = "wte.weight"] wte: Weight<I8, VOCAB, D>,
    #[name = "wpe.weight"] wpe: Weight<I12, CONTEXT, D>,
    #[name = "h"] blocks: [gpt2_block::Weights; L],
    #[name = "ln_f.weight"] gain: Weight<I12, D>,
    #[name = "ln_f.bias"] bias: Weight<I24, D>,
) -> Tensor<Acc, 1, VOCAB> {
    let x = gpt2_trunk(tokens, wte, wpe, blocks, HEADS = HEADS, L = L);
    let last = slice(x, axis = 0, range = SEQ - 1..SEQ);
    matmul(last_norm(last, gain, bias), transpose(wte))
}
