//! Several tensors as one.

use super::{extents, FloatTensor, FloatWeights, WeightsError};
use zkml_ir::shape::Shape;

impl FloatWeights {
    /// Joins tensors along axis 0 into `into` and removes them: biases \[a\], \[b\] to \[a + b\].
    ///
    /// All other extents are equal. `into` is one of `names` or free.
    pub fn concat_rows(&mut self, names: &[&str], into: &str) -> Result<(), WeightsError> {
        self.concat(names, into, |_| 0)
    }

    /// Joins tensors along the last axis into `into` and removes them: query, key and value weights \[in, out\] to
    /// \[in, 3 out\].
    ///
    /// All other extents are equal. `into` is one of `names` or free.
    pub fn concat_columns(&mut self, names: &[&str], into: &str) -> Result<(), WeightsError> {
        self.concat(names, into, |rank| rank - 1)
    }

    fn concat(
        &mut self,
        names: &[&str],
        into: &str,
        axis: impl Fn(usize) -> usize,
    ) -> Result<(), WeightsError> {
        if !names.contains(&into) {
            self.expect_free(into)?;
        }
        let tensors = names.iter().map(|name| self.get(name)).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = tensors.first() else {
            let expected = "at least one tensor".to_owned();
            return Err(WeightsError::Argument { what: "names", expected, got: "none".to_owned() });
        };
        let mut dims = first.shape.dims().to_vec();
        if dims.is_empty() {
            return Err(extents(names[0], "an axis", first));
        }
        let axis = axis(dims.len());
        for (name, tensor) in names.iter().zip(&tensors) {
            let got = tensor.shape.dims();
            let fits = got.len() == dims.len() && (0..dims.len()).all(|i| i == axis || got[i] == dims[i]);
            if !fits {
                let like = format!("the extents {} of `{}` except along axis {axis}", first.shape, names[0]);
                return Err(extents(name, like, tensor));
            }
        }
        dims[axis] = tensors.iter().map(|t| t.shape.dims()[axis]).sum();
        let outer: usize = dims[..axis].iter().product();
        let mut data = Vec::with_capacity(tensors.iter().map(|t| t.data.len()).sum());
        for i in 0..outer {
            for tensor in &tensors {
                let block = tensor.data.len() / outer;
                data.extend_from_slice(&tensor.data[i * block..][..block]);
            }
        }
        self.put(names, vec![(into.to_owned(), FloatTensor { shape: Shape::new(dims), data })])
    }
}
