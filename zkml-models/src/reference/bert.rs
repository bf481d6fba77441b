//! BERT (Devlin et al. 2019): an encoder layer, and a sentence encoder whole.

use super::{attention, extent, gelu_erf, read, Linear, Matrix, Norm};
use crate::bert::Config;
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// `h = norm(x + dense(attention(x)))`, `y = norm(h + dense(gelu(dense(h))))`, attention in both directions over the keys
/// that are no padding, GELU by the error function.
#[derive(Clone, Debug)]
pub struct BertLayer {
    d: usize,
    heads: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_out: Linear,
    attention_norm: Norm,
    intermediate: Linear,
    out: Linear,
    out_norm: Norm,
}

impl BertLayer {
    /// Reads the tensors below `prefix` (`encoder.layer.0`) by their Hugging Face names, linear weights \[out, in\]. The
    /// widths are those of the tensors.
    ///
    /// # Panics
    /// If `heads` does not divide the width.
    pub fn new(w: &FloatWeights, prefix: &str, heads: usize) -> Result<Self, WeightsError> {
        let at = |name: &str| format!("{prefix}.{name}");
        let d_ff = extent(w, &at("intermediate.dense.weight"), 0)?;
        let d = extent(w, &at("intermediate.dense.weight"), 1)?;
        assert!(heads > 0 && d.is_multiple_of(heads), "{heads} heads do not divide {d}");
        let norm = |name| Norm::new(w, &at(name), d, 1e-12);
        let linear = |name, inputs, outputs| Linear::out_in(w, &at(name), inputs, outputs);
        Ok(Self {
            d,
            heads,
            query: linear("attention.self.query", d, d)?,
            key: linear("attention.self.key", d, d)?,
            value: linear("attention.self.value", d, d)?,
            attention_out: linear("attention.output.dense", d, d)?,
            attention_norm: norm("attention.output.LayerNorm")?,
            intermediate: linear("intermediate.dense", d, d_ff)?,
            out: linear("output.dense", d_ff, d)?,
            out_norm: norm("output.LayerNorm")?,
        })
    }

    /// x and the result are \[seq, d\], row-major; `mask[j]` says that token j is no padding. Padded tokens are not
    /// attended to, but have results like any other.
    ///
    /// # Panics
    /// If the mask's length is not the number of rows, or it allows no token.
    pub fn forward(&self, x: &[f32], mask: &[bool]) -> Vec<f32> {
        assert_eq!(x.len(), mask.len() * self.d, "{} tokens in the mask", mask.len());
        assert!(mask.contains(&true), "the mask allows no token");
        let x = Matrix::from_f32(x, self.d);
        let [q, k, v] = [&self.query, &self.key, &self.value].map(|l| l.apply(&x));
        let heads = attention([&q, &k, &v], self.heads, |_, key| mask[key]);
        let h = self.attention_norm.apply(&self.attention_out.apply(&heads).plus(&x));
        let hidden = self.intermediate.apply(&h).map(gelu_erf);
        self.out_norm.apply(&self.out.apply(&hidden).plus(&h)).to_f32()
    }
}

/// Embeddings, layers, and the mean of the result's rows as a unit vector (Reimers and Gurevych, "Sentence-BERT", 2019).
#[derive(Clone, Debug)]
pub struct BertEncoder {
    d: usize,
    words: Vec<f32>,
    places: Vec<f32>,
    /// Of token type 0: a text has one part.
    part: Vec<f32>,
    norm: Norm,
    layers: Vec<BertLayer>,
}

impl BertEncoder {
    /// Reads the tensors by their Hugging Face names, with nothing folded.
    ///
    /// # Panics
    /// If the heads do not divide the width.
    pub fn new(w: &FloatWeights, config: &Config) -> Result<Self, WeightsError> {
        let Config { d, words, context, .. } = *config;
        let types = extent(w, "embeddings.token_type_embeddings.weight", 0)?;
        let table = |name: &str, rows| read(w, &format!("embeddings.{name}_embeddings.weight"), &[rows, d]);
        let mut part = table("token_type", types)?;
        part.truncate(d);
        let layer = |l| BertLayer::new(w, &format!("encoder.layer.{l}"), config.heads);
        Ok(Self {
            d,
            words: table("word", words)?,
            places: table("position", context)?,
            part,
            norm: Norm::new(w, "embeddings.LayerNorm", d, 1e-12)?,
            layers: (0..config.layers).map(layer).collect::<Result<_, _>>()?,
        })
    }

    /// The embedding of a text without padding.
    ///
    /// # Panics
    /// If there is no token, a token is none of the vocabulary, or there are more than the context holds.
    pub fn embed(&self, tokens: &[i32]) -> Vec<f32> {
        let d = self.d;
        let row = |(place, &token): (usize, &i32)| {
            let (word, place) = (&self.words[token as usize * d..][..d], &self.places[place * d..][..d]);
            let sums = word.iter().zip(place).zip(&self.part).map(|((w, p), t)| w + p + t);
            sums.collect::<Vec<f32>>()
        };
        let sums: Vec<f32> = tokens.iter().enumerate().flat_map(row).collect();
        let x = self.norm.apply(&Matrix::from_f32(&sums, d)).to_f32();
        let all = vec![true; tokens.len()];
        let x = self.layers.iter().fold(x, |x, layer| layer.forward(&x, &all));
        let mut sum = vec![0.0f64; d];
        for row in x.chunks_exact(d) {
            sum.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v));
        }
        let length = sum.iter().map(|s| s * s).sum::<f64>().sqrt();
        sum.iter().map(|s| (s / length) as f32).collect()
    }
}
