//! Rewrites that leave the network's function as it is.

use super::error::WeightsError;
use super::float::FloatWeights;
use super::tensor::FloatTensor;
use zkml_ir::shape::Shape;

impl FloatWeights {
    /// Folds a layer norm's gain and bias into the linear layers that read its output, and removes them.
    ///
    /// `norm` names `{norm}.weight` and `{norm}.bias`, both \[d\]; each of `linears` names `{linear}.weight` \[d, out\] and
    /// `{linear}.bias` \[out\], which is made where there is none. With n the bare normalised rows,
    /// `(n * gain + bias) W + b = n (diag(gain) W) + (b + bias^T W)`. On an error nothing has changed.
    ///
    /// Every reader of the norm's output must be listed: one that is not would miss gain and bias.
    pub fn fold_layer_norm(&mut self, norm: &str, linears: &[&str]) -> Result<(), WeightsError> {
        let (gain_name, bias_name) = (format!("{norm}.weight"), format!("{norm}.bias"));
        let gain = self.get(&gain_name)?;
        let d = gain.data.len();
        expect_dims(&gain_name, &gain, &[d])?;
        let bias = self.get(&bias_name)?;
        expect_dims(&bias_name, &bias, &[d])?;
        let mut folded = vec![];
        for linear in linears {
            let (weight_name, b_name) = (format!("{linear}.weight"), format!("{linear}.bias"));
            let weight = self.get(&weight_name)?;
            let [rows, out] = *weight.shape.dims() else {
                return Err(extents(&weight_name, "two axes [in, out]", &weight));
            };
            if rows != d {
                return Err(extents(&weight_name, &format!("{d} rows [in, out]"), &weight));
            }
            let mut b = vec![0.0; out];
            if self.dims(&b_name).is_some() {
                let old = self.get(&b_name)?;
                expect_dims(&b_name, &old, &[out])?;
                b = old.data.iter().map(|&v| v as f64).collect();
            }
            let mut w = Vec::with_capacity(d * out);
            for (row, (&g, &beta)) in weight.data.chunks_exact(out).zip(gain.data.iter().zip(&bias.data)) {
                w.extend(row.iter().map(|v| g * v));
                b.iter_mut().zip(row).for_each(|(b, &v)| *b += beta as f64 * v as f64);
            }
            let b = b.into_iter().map(|v| v as f32).collect();
            folded.push((weight_name, FloatTensor { shape: weight.shape.clone(), data: w }));
            folded.push((b_name, FloatTensor { shape: Shape::new(vec![out]), data: b }));
        }
        for (name, tensor) in folded {
            self.insert(name, tensor)?;
        }
        self.remove(&gain_name);
        self.remove(&bias_name);
        Ok(())
    }

    /// Transposes a matrix in place: \[out, in\] files to the \[in, out\] that the folds expect.
    pub fn transpose(&mut self, name: &str) -> Result<(), WeightsError> {
        let tensor = self.get(name)?;
        if tensor.shape.rank() != 2 {
            return Err(extents(name, "two axes", &tensor));
        }
        let turned = swap_last_axes(&tensor);
        self.insert(name, turned)
    }
}

fn expect_dims(name: &str, tensor: &FloatTensor, dims: &[usize]) -> Result<(), WeightsError> {
    match tensor.shape.dims() == dims {
        true => Ok(()),
        false => Err(extents(name, &format!("shape {dims:?}"), tensor)),
    }
}

fn extents(name: &str, expected: &str, tensor: &FloatTensor) -> WeightsError {
    WeightsError::Extents { name: name.to_owned(), expected: expected.to_owned(), got: tensor.shape.clone() }
}

/// The transpose of each matrix over the last two axes; a vector stays as it is.
pub(super) fn swap_last_axes(tensor: &FloatTensor) -> FloatTensor {
    let mut dims = tensor.shape.dims().to_vec();
    let [.., rows, cols] = dims[..] else { return tensor.clone() };
    let rank = dims.len();
    dims.swap(rank - 2, rank - 1);
    let mut data = Vec::with_capacity(tensor.data.len());
    for matrix in tensor.data.chunks_exact(rows * cols) {
        (0..cols).for_each(|c| data.extend(matrix[c..].iter().step_by(cols)));
    }
    FloatTensor { shape: Shape::new(dims), data }
}
