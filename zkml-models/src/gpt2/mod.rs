//! GPT-2 of any size: embeddings, pre-norm blocks with causal attention, final norm, output embedding.
//!
//! * Weights are I8, hidden units I12. The residual stream is I16: the streams of trained decoders hold outliers a thousand
//!   times their median (DESIGN 5.9c), which 12 bits would leave a few units.
//! * A layer norm gives I16 in units of 1/128 standard deviation, so what follows it loses nothing to 8 bits. Its gain and
//!   bias are folded into the product behind it ([`import`]). The last one's are not: the output embedding is the table of
//!   tokens too, and is committed once.
//! * Hidden units are I12 on both sides of the GELU: with I8 their rounding alone would cost 1.6 % of the result.
//! * What joins the stream comes in its step: a window of 16 bits *is* I16, so such a rescale has no third cell. A sum of two
//!   I16 tensors has 17 bits.
//! * The last product of a block reaches 2^29.6, which leaves a rescale's multiplier one bit. A rescale to a step of its own
//!   loses nothing by that; one to the stream's step would take the difference from the weights' resolution. So it is brought
//!   to its own step first. What 3072 hidden units could add up to needs a window of 20 bits: in 16 the step would have to be
//!   several times coarser than what they do add up to.
//! * The vocabulary is padded to a multiple of 128, as an axis is stored in slabs by its odd part; the rows are zero.

mod config;
mod generate;
mod import;

pub use config::Config;
pub use generate::{generate, Generation, GenerationError};
pub use import::{fold, import};

use zkml_dsl::prelude::*;

/// One block; weights under the names of a Hugging Face file, norms folded.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, FF = 4 * D)]
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

/// The first L blocks, whose weights are `h.0` and on, without what is before and behind them.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, L = 1, report = line)]
pub fn gpt2_blocks(
    x: Tensor<I16, SEQ, D>,
    #[name = "h"] blocks: [gpt2_block::Weights; L],
) -> Tensor<I16, SEQ, D> {
    let mut x = x;
    for l in 0..L {
        x = gpt2_block(x, blocks[l], HEADS = HEADS);
    }
    x
}

/// Tokens to the residual stream behind the last block.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, L = 12, VOCAB = 50304, CONTEXT = 1024, report = line)]
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
#[zk_model(ROWS = 1, D = 768, report = line)]
pub fn last_norm(
    x: Tensor<I16, ROWS, D>,
    gain: Weight<I12, D>,
    bias: Weight<I24, D>,
) -> Tensor<I12, ROWS, D> {
    quantize::<I12>(quantize::<I12>(layer_norm(x), window = 16) * gain + bias, window = 16)
}

/// GPT-2 small unless said otherwise: the logits of the token that follows. Those of the padding are zero.
#[zk_model(SEQ = 64, D = 768, HEADS = 12, L = 12, VOCAB = 50304, CONTEXT = 1024)]
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

/// The most likely token, the first of equals, after each of the last `SEQ - PROMPT` tokens but the very last: what greedy
/// decoding of the first PROMPT tokens gives, if it is what the sequence goes on with ([`generate`]).
#[zk_model(SEQ = 64, PROMPT = 48, D = 768, HEADS = 12, L = 12, VOCAB = 50304, WORDS = 50257, CONTEXT = 1024)]
pub fn gpt2_greedy(
    tokens: Tensor<I24, SEQ>,
    #[name = "wte.weight"] wte: Weight<I8, VOCAB, D>,
    #[name = "wpe.weight"] wpe: Weight<I12, CONTEXT, D>,
    #[name = "h"] blocks: [gpt2_block::Weights; L],
    #[name = "ln_f.weight"] gain: Weight<I12, D>,
    #[name = "ln_f.bias"] bias: Weight<I24, D>,
) -> Tensor<Acc, { SEQ - PROMPT }> {
    let x = gpt2_trunk(tokens, wte, wpe, blocks, HEADS = HEADS, L = L);
    let rows = slice(x, axis = 0, range = PROMPT - 1..SEQ - 1);
    argmax(matmul(last_norm(rows, gain, bias), transpose(wte)), valid = WORDS)
}
