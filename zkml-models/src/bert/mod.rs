//! BERT: layers alone, and sentence encoders whole.
//!
//! Post-norm, attention in both directions over the tokens that are no padding, GELU by the error function. A post-norm's
//! gain and bias cannot be folded: their result is the residual stream as well. Gains are I12.
//!
//! * [`bert_layer`] and [`bert`]: weights are I8 with one step for each tensor, stream and hidden units I12, windows as in
//!   [`super::gpt2`].
//! * [`bert_encoder`]: for trained sentence encoders, whose outliers are hundreds of times their median.
//!   - The stream is I16, and I12 where products read it. Tables are I16: nothing is multiplied with their rows.
//!   - Weights are I8 with a step for each output channel ([`import`]): a product is brought to I16, multiplied by its
//!     channels' scales, and then brought to what follows. One step for each tensor costs all-MiniLM-L6-v2 0.05 of its
//!     embeddings' cosine, one for each channel less than 0.001.
//!   - The last product of a layer is I16 in a window of 20 bits on either side of its scales. What 1536 hidden units could
//!     add up to is a hundred times what they do add up to; in 16 bits the step of the whole stream would have to follow.
//!   - The mean over the tokens is a product of the mask with their rows. It is not divided by their number, as the
//!     normalisation behind it would undo that.
//!   - The vocabulary is padded to a multiple of 128, as an axis is stored in slabs by its odd part; the rows are zero.

mod config;
mod import;
mod layer;
mod sentence;

pub use config::Config;
pub use import::import;
pub use layer::{bert, bert_layer};
pub use sentence::{embedding, Sentence, SentenceError};

use zkml_dsl::prelude::*;

/// A layer norm of the stream with its gain and bias.
#[zk_model(SEQ = 64, D = 384, report = line)]
pub fn stream_norm(
    x: Tensor<I16, SEQ, D>,
    gain: Weight<I12, D>,
    bias: Weight<I24, D>,
) -> Tensor<I16, SEQ, D> {
    quantize::<I16>(layer_norm(x, epsilon = 1e-12, fraction = 9) * gain + bias, window = 16)
}

/// A product whose output channels have scales of their own, brought to I16 in a window of so many bits in between.
#[zk_model(SEQ = 64, IN = 384, OUT = 384, WINDOW = 16, report = line)]
pub fn dense(
    x: Tensor<I12, SEQ, IN>,
    w: Weight<I8, IN, OUT>,
    b: Weight<I24, OUT>,
    s: Weight<I12, OUT>,
) -> Tensor<Acc, SEQ, OUT> {
    quantize::<I16>(matmul(x, w) + b, window = WINDOW) * s
}

/// One layer of [`bert_encoder`].
#[zk_model(SEQ = 64, D = 384, HEADS = 12, FF = 4 * D)]
pub fn encoder_layer(
    x: Tensor<I16, SEQ, D>,
    mask: Tensor<U8, SEQ>,
    #[name = "attention.self.query.weight"] w_q: Weight<I8, D, D>,
    #[name = "attention.self.query.bias"] b_q: Weight<I24, D>,
    #[name = "attention.self.query.scale"] s_q: Weight<I12, D>,
    #[name = "attention.self.key.weight"] w_k: Weight<I8, D, D>,
    #[name = "attention.self.key.bias"] b_k: Weight<I24, D>,
    #[name = "attention.self.key.scale"] s_k: Weight<I12, D>,
    #[name = "attention.self.value.weight"] w_v: Weight<I8, D, D>,
    #[name = "attention.self.value.bias"] b_v: Weight<I24, D>,
    #[name = "attention.self.value.scale"] s_v: Weight<I12, D>,
    #[name = "attention.output.dense.weight"] w_out: Weight<I8, D, D>,
    #[name = "attention.output.dense.bias"] b_out: Weight<I24, D>,
    #[name = "attention.output.dense.scale"] s_out: Weight<I12, D>,
    #[name = "attention.output.LayerNorm.weight"] gain_1: Weight<I12, D>,
    #[name = "attention.output.LayerNorm.bias"] bias_1: Weight<I24, D>,
    #[name = "intermediate.dense.weight"] w_fc: Weight<I8, D, FF>,
    #[name = "intermediate.dense.bias"] b_fc: Weight<I24, FF>,
    #[name = "intermediate.dense.scale"] s_fc: Weight<I12, FF>,
    #[name = "output.dense.weight"] w_proj: Weight<I8, FF, D>,
    #[name = "output.dense.bias"] b_proj: Weight<I24, D>,
    #[name = "output.dense.scale"] s_proj: Weight<I12, D>,
    #[name = "output.LayerNorm.weight"] gain_2: Weight<I12, D>,
    #[name = "output.LayerNorm.bias"] bias_2: Weight<I24, D>,
) -> Tensor<I16, SEQ, D> {
    let n = quantize::<I12>(x, window = 12);
    let q = quantize_int8(dense(n, w_q, b_q, s_q));
    let k = quantize_int8(dense(n, w_k, b_k, s_k));
    let v = quantize_int8(dense(n, w_v, b_v, s_v));
    let a = dense(attention(q, k, v, heads = HEADS, mask = mask), w_out, b_out, s_out);
    let a = quantize::<I16>(x + quantize::<I16>(a, window = 16), window = 16);
    let h = stream_norm(a, gain_1, bias_1);
    let f = gelu(quantize::<I12>(dense(quantize::<I12>(h), w_fc, b_fc, s_fc), window = 16));
    let m = quantize::<I16>(dense(f, w_proj, b_proj, s_proj, WINDOW = 20), window = 20);
    let y = quantize::<I16>(h + m, window = 16);
    stream_norm(y, gain_2, bias_2)
}

/// A sentence encoder: tokens to a row of root mean square 1, in steps of 2^-9. Divided by sqrt(D) it is the unit vector in the
/// direction of the mean of the tokens' rows ([`embedding`]). `mask` is 1 for tokens, 0 for padding.
#[zk_model(SEQ = 64, D = 384, HEADS = 12, L = 6, VOCAB = 30592, CONTEXT = 512)]
pub fn bert_encoder(
    tokens: Tensor<I24, SEQ>,
    mask: Tensor<U8, SEQ>,
    #[name = "embeddings.word_embeddings.weight"] words: Weight<I16, VOCAB, D>,
    #[name = "embeddings.position_embeddings.weight"] places: Weight<I16, CONTEXT, D>,
    #[name = "embeddings.LayerNorm.weight"] gain: Weight<I12, D>,
    #[name = "embeddings.LayerNorm.bias"] bias: Weight<I24, D>,
    #[name = "encoder.layer"] layers: [encoder_layer::Weights; L],
) -> Tensor<I16, 1, D> {
    let word = quantize::<I16>(embedding(tokens, words), window = 16);
    let place = quantize::<I16>(slice(places, axis = 0, range = 0..SEQ), window = 16);
    let x = quantize::<I16>(word + place, window = 16);
    let mut x = stream_norm(x, gain, bias);
    for l in 0..L {
        x = encoder_layer(x, mask, layers[l], HEADS = HEADS);
    }
    let sum = quantize::<I16>(matmul(reshape(mask, shape = [1, SEQ]), x), window = 20);
    rms_norm(sum, epsilon = 1e-12, fraction = 9)
}
