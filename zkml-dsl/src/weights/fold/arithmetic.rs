//! Factors and sums.

use super::{extents, FloatTensor, FloatWeights, WeightsError};

impl FloatWeights {
    /// Multiplies every value: by `1 / sqrt(head width)`, say, which a file's attention leaves to the code.
    pub fn scale(&mut self, name: &str, factor: f64) -> Result<(), WeightsError> {
        if !factor.is_finite() {
            let expected = "a finite number".to_owned();
            return Err(WeightsError::Argument { what: "factor", expected, got: factor.to_string() });
        }
        let tensor = self.get(name)?;
        let data = tensor.data.iter().map(|&v| (factor * v as f64) as f32).collect();
        let scaled = FloatTensor { shape: tensor.shape.clone(), data };
        self.put(&[], vec![(name.to_owned(), scaled)])
    }

    /// Adds `other` to `name`; `other` stays. Axes align at the end and an extent of 1 or an absent axis stretches, as
    /// in a model: a row \[1, d\] is added to every row of \[n, d\].
    pub fn add(&mut self, name: &str, other: &str) -> Result<(), WeightsError> {
        let (tensor, addend) = (self.get(name)?, self.get(other)?);
        if tensor.shape.broadcast(&addend.shape).as_ref() != Some(&tensor.shape) {
            return Err(extents(
                other,
                format!("a shape that stretches to {} of `{name}`", tensor.shape),
                &addend,
            ));
        }
        let strides = stretched(tensor.shape.dims(), &addend);
        let at = |index: usize| {
            let (mut rest, mut offset) = (index, 0);
            for (&extent, stride) in tensor.shape.dims().iter().zip(&strides).rev() {
                offset += rest % extent * stride;
                rest /= extent;
            }
            addend.data[offset]
        };
        let data = tensor.data.iter().enumerate().map(|(i, v)| v + at(i)).collect();
        let sum = FloatTensor { shape: tensor.shape.clone(), data };
        self.put(&[], vec![(name.to_owned(), sum)])
    }
}

/// How far one step along each axis of `dims` goes in a tensor that stretches to it.
fn stretched(dims: &[usize], tensor: &FloatTensor) -> Vec<usize> {
    let own = tensor.shape.dims().iter().zip(tensor.shape.strides());
    let mut strides = vec![0; dims.len() - tensor.shape.rank()];
    strides.extend(own.map(|(&extent, stride)| if extent == 1 { 0 } else { stride }));
    strides
}
