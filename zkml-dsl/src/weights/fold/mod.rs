//! Rewrites of weights before a model reads them: folds that leave the network's function as it is, and the cuts, joins
//! and paddings of an import.
//!
//! Linear weights are \[in, out\] here ([`FloatWeights::transpose`] turns a file's \[out, in\]). Each rewrite checks
//! everything first, results too: on an error nothing has changed.

mod arithmetic;
mod batch_norm;
mod channels;
mod concat;
mod layer_norm;
mod rms_norm;
mod rows;
mod shape;

pub(super) use shape::swap_last_axes;

use super::error::WeightsError;
use super::float::{check_finite, FloatWeights};
use super::tensor::FloatTensor;
use std::borrow::Cow;

impl FloatWeights {
    /// Ends a rewrite: takes `gone` away and puts `made` in, or does nothing if a value has left f32.
    fn put(&mut self, gone: &[&str], made: Vec<(String, FloatTensor)>) -> Result<(), WeightsError> {
        made.iter().try_for_each(|(name, tensor)| check_finite(name, tensor))?;
        self.retain(|name| !gone.contains(&name));
        made.into_iter().try_for_each(|(name, tensor)| self.insert(name, tensor))
    }

    /// A vector of this length.
    fn vector(&self, name: &str, len: usize) -> Result<Cow<'_, FloatTensor>, WeightsError> {
        let tensor = self.get(name)?;
        match tensor.shape.dims() == [len] {
            true => Ok(tensor),
            false => Err(extents(name, format!("shape [{len}]"), &tensor)),
        }
    }

    /// A vector of this length, if there is a tensor of that name.
    fn vector_if_any(&self, name: &str, len: usize) -> Result<Option<Cow<'_, FloatTensor>>, WeightsError> {
        self.dims(name).is_some().then(|| self.vector(name, len)).transpose()
    }

    /// A norm's gain, and how many values it has.
    fn gain(&self, name: &str) -> Result<(Cow<'_, FloatTensor>, usize), WeightsError> {
        let tensor = self.get(name)?;
        match *tensor.shape.dims() {
            [d] => Ok((tensor, d)),
            _ => Err(extents(name, "one axis", &tensor)),
        }
    }

    /// A linear layer's weight \[d, out\], and out.
    fn linear(&self, name: &str, d: usize) -> Result<(Cow<'_, FloatTensor>, usize), WeightsError> {
        let tensor = self.get(name)?;
        match *tensor.shape.dims() {
            [rows, out] if rows == d => Ok((tensor, out)),
            [_, _] => Err(extents(name, format!("{d} rows [in, out]"), &tensor)),
            _ => Err(extents(name, "two axes [in, out]", &tensor)),
        }
    }

    /// The weight of a layer with output channels, how many there are and how many values of one channel lie together:
    /// channels repeat in turn, each for that many values.
    fn channels(&self, name: &str) -> Result<(Cow<'_, FloatTensor>, usize, usize), WeightsError> {
        let tensor = self.get(name)?;
        match *tensor.shape.dims() {
            [_, out] => Ok((tensor, out, 1)),
            [out, _, _] | [out, _, _, _] | [out, _, _, _, _] => {
                let block = tensor.data.len() / out;
                Ok((tensor, out, block))
            }
            _ => Err(extents(name, "[in, out] or [out, in, kernel..]", &tensor)),
        }
    }

    fn expect_free(&self, name: &str) -> Result<(), WeightsError> {
        match self.dims(name) {
            None => Ok(()),
            Some(_) => Err(WeightsError::Exists { name: name.to_owned() }),
        }
    }
}

/// Row i of a matrix with `out` columns times `factors[i]`.
fn scale_rows(matrix: &FloatTensor, out: usize, factors: &[f32]) -> FloatTensor {
    let rows = matrix.data.chunks_exact(out).zip(factors);
    let data = rows.flat_map(|(row, &factor)| row.iter().map(move |v| factor * v)).collect();
    FloatTensor { shape: matrix.shape.clone(), data }
}

fn extents(name: &str, expected: impl Into<String>, tensor: &FloatTensor) -> WeightsError {
    WeightsError::Extents { name: name.to_owned(), expected: expected.into(), got: tensor.shape.clone() }
}
