//! GPT-2 (Radford et al. 2019): a block, and the whole.

use super::{attention, extent, read, Gelu, Linear, Matrix, Norm};
use crate::gpt2::Config;
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// `h = x + c_proj(attention(c_attn(ln_1(x))))`, `y = h + mlp.c_proj(gelu(mlp.c_fc(ln_2(h))))`, attention causal.
///
/// GPT-2 was trained with [`Gelu::Tanh`].
#[derive(Clone, Debug)]
pub struct Gpt2Block {
    d: usize,
    heads: usize,
    ln_1: Norm,
    c_attn: Linear,
    c_proj: Linear,
    ln_2: Norm,
    c_fc: Linear,
    mlp_c_proj: Linear,
}

impl Gpt2Block {
    /// Reads the tensors below `prefix` (`h.0`) by their Hugging Face names, linear weights \[in, out\]. The widths are
    /// those of the tensors.
    ///
    /// # Panics
    /// If `heads` does not divide the width.
    pub fn new(w: &FloatWeights, prefix: &str, heads: usize) -> Result<Self, WeightsError> {
        let at = |name: &str| format!("{prefix}.{name}");
        let d = extent(w, &at("ln_1.weight"), 0)?;
        let d_ff = extent(w, &at("mlp.c_fc.weight"), 1)?;
        assert!(heads > 0 && d.is_multiple_of(heads), "{heads} heads do not divide {d}");
        let norm = |name| Norm::new(w, &at(name), d, 1e-5);
        let linear = |name, inputs, outputs| Linear::in_out(w, &at(name), inputs, outputs);
        Ok(Self {
            d,
            heads,
            ln_1: norm("ln_1")?,
            c_attn: linear("attn.c_attn", d, 3 * d)?,
            c_proj: linear("attn.c_proj", d, d)?,
            ln_2: norm("ln_2")?,
            c_fc: linear("mlp.c_fc", d, d_ff)?,
            mlp_c_proj: linear("mlp.c_proj", d_ff, d)?,
        })
    }

    /// x and the result are \[seq, d\], row-major.
    ///
    /// # Panics
    /// If x is no whole number of rows.
    pub fn forward(&self, x: &[f32], gelu: Gelu) -> Vec<f32> {
        let (x, d) = (Matrix::from_f32(x, self.d), self.d);
        let qkv = self.c_attn.apply(&self.ln_1.apply(&x));
        let [q, k, v] = [0, 1, 2].map(|i| qkv.columns(i * d, d));
        let heads = attention([&q, &k, &v], self.heads, |query, key| key <= query);
        let h = self.c_proj.apply(&heads).plus(&x);
        let hidden = self.c_fc.apply(&self.ln_2.apply(&h)).map(|v| gelu.apply(v));
        self.mlp_c_proj.apply(&hidden).plus(&h).to_f32()
    }
}

/// The logits of the token after each of the `rows` last tokens, row-major over the vocabulary. Weights under the names of a
/// Hugging Face file, norms not folded; blocks are read one after the other.
///
/// # Panics
/// If a token is none of the vocabulary, or there are more tokens than the context holds.
pub fn gpt2_logits(
    w: &FloatWeights,
    config: &Config,
    tokens: &[i32],
    rows: usize,
) -> Result<Vec<f32>, WeightsError> {
    let Config { d, words, context, .. } = *config;
    let (wte, wpe) = (read(w, "wte.weight", &[words, d])?, read(w, "wpe.weight", &[context, d])?);
    let row = |(p, &t): (usize, &i32)| {
        let (word, place) = (&wte[t as usize * d..][..d], &wpe[p * d..][..d]);
        word.iter().zip(place).map(|(a, b)| a + b).collect::<Vec<f32>>()
    };
    let mut x: Vec<f32> = tokens.iter().enumerate().flat_map(row).collect();
    for l in 0..config.layers {
        x = Gpt2Block::new(w, &format!("h.{l}"), config.heads)?.forward(&x, Gelu::Tanh);
    }
    let last = Matrix::from_f32(&x[x.len() - rows * d..], d);
    let n = Norm::new(w, "ln_f", d, 1e-5)?.apply(&last);
    let logit = |h: &[f64], word: &[f32]| h.iter().zip(word).map(|(a, &b)| a * b as f64).sum::<f64>() as f32;
    Ok(n.rows().flat_map(|h| wte.chunks_exact(d).map(move |word| logit(h, word))).collect())
}
