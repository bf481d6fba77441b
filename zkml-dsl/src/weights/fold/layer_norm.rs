//! Layer norm into what reads it.

use super::{scale_rows, FloatTensor, FloatWeights, WeightsError};
use zkml_ir::shape::Shape;

impl FloatWeights {
    /// Folds a layer norm's gain and bias into the linear layers that read its output, and removes them.
    ///
    /// `norm` names `{norm}.weight` and `{norm}.bias`, both \[d\]; each of `linears` names `{linear}.weight` \[d, out\]
    /// and `{linear}.bias` \[out\], which is made where there is none. With n the bare normalised rows,
    /// `(n * gain + bias) W + b = n (diag(gain) W) + (b + bias^T W)`. On an error nothing has changed.
    ///
    /// Every reader of the norm's output must be listed: one that is not would miss gain and bias.
    pub fn fold_layer_norm(&mut self, norm: &str, linears: &[&str]) -> Result<(), WeightsError> {
        let (gain_name, bias_name) = (format!("{norm}.weight"), format!("{norm}.bias"));
        let (gain, d) = self.gain(&gain_name)?;
        let bias = self.vector(&bias_name, d)?;
        let mut folded = vec![];
        for linear in linears {
            let (weight_name, b_name) = (format!("{linear}.weight"), format!("{linear}.bias"));
            let (weight, out) = self.linear(&weight_name, d)?;
            let old = self.vector_if_any(&b_name, out)?;
            let mut b: Vec<f64> = old.map_or(vec![0.0; out], |b| b.data.iter().map(|&v| v.into()).collect());
            for (row, &beta) in weight.data.chunks_exact(out).zip(&bias.data) {
                b.iter_mut().zip(row).for_each(|(b, &v)| *b += beta as f64 * v as f64);
            }
            let b = b.into_iter().map(|v| v as f32).collect();
            folded.push((weight_name, scale_rows(&weight, out, &gain.data)));
            folded.push((b_name, FloatTensor { shape: Shape::new([out]), data: b }));
        }
        self.put(&[&gain_name, &bias_name], folded)
    }
}
