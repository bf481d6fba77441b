//! Batch norm into the layer before it.

use super::{FloatTensor, FloatWeights, WeightsError};
use zkml_ir::shape::Shape;

/// What a batch norm does with a channel: `(x - mean) * factor + beta`.
struct Channel {
    factor: f64,
    mean: f64,
    beta: f64,
}

impl FloatWeights {
    /// Folds a batch norm into the convolution or linear layer whose output it normalises, and removes it.
    ///
    /// `{conv}.weight` is \[out, in, kernel..\] with one to three kernel axes, or a linear layer's \[in, out\];
    /// `{conv}.bias` \[out\] is made where there is none. `{norm}.running_mean` and `{norm}.running_var` are \[out\];
    /// gain `{norm}.weight` and bias `{norm}.bias` are \[out\], or both absent (1 and 0). They go, as does
    /// `{norm}.num_batches_tracked`.
    ///
    /// Of each output channel, with `f = gain / sqrt(running_var + epsilon)`:
    /// `gain (W x + b - mean) / sqrt(running_var + epsilon) + bias = (f W) x + (f (b - mean) + bias)`. On an error
    /// nothing has changed. Nothing else may read what the layer gives before the norm. A transposed convolution's
    /// \[in, out, kernel..\] is not meant.
    pub fn fold_batch_norm(&mut self, conv: &str, norm: &str, epsilon: f64) -> Result<(), WeightsError> {
        if !(epsilon.is_finite() && epsilon >= 0.0) {
            let expected = "a finite number, at least 0".to_owned();
            return Err(WeightsError::Argument { what: "epsilon", expected, got: epsilon.to_string() });
        }
        let (weight_name, bias_name) = (format!("{conv}.weight"), format!("{conv}.bias"));
        let (weight, out, block) = self.channels(&weight_name)?;
        let channels = self.batch_norm(norm, out, epsilon)?;
        let blocks = weight.data.chunks_exact(block).zip(channels.iter().cycle());
        let w = blocks.flat_map(|(b, c)| b.iter().map(move |&v| (c.factor * v as f64) as f32)).collect();
        let old = self.vector_if_any(&bias_name, out)?;
        let b = channels.iter().enumerate().map(|(i, c)| {
            let b = old.as_ref().map_or(0.0, |b| b.data[i] as f64);
            (c.factor * (b - c.mean) + c.beta) as f32
        });
        let bias = FloatTensor { shape: Shape::new([out]), data: b.collect() };
        let weight = FloatTensor { shape: weight.shape.clone(), data: w };
        let gone = PARTS.map(|part| format!("{norm}.{part}"));
        self.put(&gone.each_ref().map(String::as_str), vec![(weight_name, weight), (bias_name, bias)])
    }

    fn batch_norm(&self, norm: &str, out: usize, epsilon: f64) -> Result<Vec<Channel>, WeightsError> {
        let [gain_name, bias_name, mean_name, var_name, _] = PARTS.map(|part| format!("{norm}.{part}"));
        let affine = self.dims(&gain_name).is_some() || self.dims(&bias_name).is_some();
        let read = |name: &str, absent: f32| match affine {
            true => self.vector(name, out).map(|t| t.data.clone()),
            false => Ok(vec![absent; out]),
        };
        let (mean, var) = (self.vector(&mean_name, out)?, self.vector(&var_name, out)?);
        let (gain, beta) = (read(&gain_name, 1.0)?, read(&bias_name, 0.0)?);
        let channel = |i: usize| {
            let v = var.data[i] as f64;
            if !(v >= 0.0 && v + epsilon > 0.0) {
                let expected = "a variance that is not negative, and not 0 with epsilon".to_owned();
                return Err(WeightsError::Value { name: var_name.clone(), index: i, expected, got: v });
            }
            let factor = gain[i] as f64 / (v + epsilon).sqrt();
            Ok(Channel { factor, mean: mean.data[i].into(), beta: beta[i].into() })
        };
        (0..out).map(channel).collect()
    }
}

const PARTS: [&str; 5] = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
