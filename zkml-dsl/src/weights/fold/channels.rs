//! A scale for each output channel.

use super::{FloatTensor, FloatWeights, WeightsError};
use zkml_ir::shape::Shape;

/// The least scale of a channel, 2^-6.
///
/// Scales are themselves rounded: as I12 weights, in units of 1/2047, a scale of 2^-6 has 32 units and is off by at
/// most 1.6 %, in a channel 64 times smaller than the largest. A smaller one would soon round to 0, which no product
/// restores. And a bias is divided by its scale: it grows by 6 bits at most, so that I24 biases and the accumulator's
/// range last.
const MIN_SCALE: f32 = 1.0 / 64.0;

impl FloatWeights {
    /// Gives each output channel of a layer its own step: divides column j of `{linear}.weight` \[in, out\] and entry j
    /// of `{linear}.bias` (if there is one) by `s_j = max_i |w_ij| / max |w|`, and inserts `scales` \[out\] = s. A
    /// convolution's \[out, in, kernel..\] has its channels along axis 0.
    ///
    /// `x W + b = (x (W / s) + b / s) * s`: 8-bit weights then use their whole range in every channel, and a product
    /// with `scales` after the first rescale restores the channels' sizes. s lies in \[2^-6, 1\]; a channel of zeros
    /// has 1. But for f32's rounding no channel gets larger than the largest was. On an error nothing has changed.
    pub fn per_channel(&mut self, linear: &str, scales: &str) -> Result<(), WeightsError> {
        let (weight_name, bias_name) = (format!("{linear}.weight"), format!("{linear}.bias"));
        self.expect_free(scales)?;
        let (weight, out, block) = self.channels(&weight_name)?;
        let bias = self.vector_if_any(&bias_name, out)?;
        let mut largest = vec![0.0f32; out];
        for (i, values) in weight.data.chunks_exact(block).enumerate() {
            let m = &mut largest[i % out];
            *m = values.iter().fold(*m, |m, v| m.max(v.abs()));
        }
        let all = largest.iter().fold(0.0, |a: f32, &m| a.max(m));
        let scale = |m: f32| if m == 0.0 { 1.0 } else { (m / all).max(MIN_SCALE) };
        let s: Vec<f32> = largest.into_iter().map(scale).collect();
        let divided = |t: &FloatTensor, block| {
            let blocks = t.data.chunks_exact(block).zip(s.iter().cycle());
            let data = blocks.flat_map(|(values, s)| values.iter().map(move |v| v / s)).collect();
            FloatTensor { shape: t.shape.clone(), data }
        };
        let mut made = vec![(weight_name, divided(&weight, block))];
        made.extend(bias.map(|b| (bias_name, divided(&b, 1))));
        made.push((scales.to_owned(), FloatTensor { shape: Shape::new([out]), data: s }));
        self.put(&[], made)
    }
}
