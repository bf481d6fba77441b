//! One BERT encoder layer (Devlin et al. 2019).

use super::{attention, extent, gelu_erf, Linear, Matrix, Norm};
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
