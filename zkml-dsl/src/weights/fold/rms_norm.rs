//! RMS norm into what reads it.

use super::{scale_rows, FloatWeights, WeightsError};

impl FloatWeights {
    /// Folds an RMS norm's gain `{norm}.weight` \[d\] into the linear layers that read its output, and removes it.
    ///
    /// With n the bare normalised rows, `(n * gain) W = n (diag(gain) W)` for each `{linear}.weight` \[d, out\]; a bias
    /// stays as it is. A norm with a `{norm}.bias` is a layer norm ([`Self::fold_layer_norm`]) and refused. On an error
    /// nothing has changed.
    ///
    /// Every reader of the norm's output must be listed: one that is not would miss the gain. A file's \[out, in\]
    /// weights are transposed first; of a square one nothing tells which it is.
    pub fn fold_rms_norm(&mut self, norm: &str, linears: &[&str]) -> Result<(), WeightsError> {
        let (gain_name, bias_name) = (format!("{norm}.weight"), format!("{norm}.bias"));
        let (gain, d) = self.gain(&gain_name)?;
        if self.dims(&bias_name).is_some() {
            let expected = "the gain of an RMS norm alone".to_owned();
            return Err(WeightsError::Argument {
                what: "norm",
                expected,
                got: format!("a bias `{bias_name}`"),
            });
        }
        let mut folded = vec![];
        for linear in linears {
            let name = format!("{linear}.weight");
            let (weight, out) = self.linear(&name, d)?;
            folded.push((name, scale_rows(&weight, out, &gain.data)));
        }
        self.put(&[&gain_name], folded)
    }
}
