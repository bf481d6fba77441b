//! Axes of a tensor.

use super::{extents, FloatTensor, FloatWeights, WeightsError};
use crate::weights::pattern::matches;
use zkml_ir::shape::{Shape, MAX_RANK};

impl FloatWeights {
    /// Transposes a matrix in place: \[out, in\] files to the \[in, out\] that the folds expect.
    pub fn transpose(&mut self, name: &str) -> Result<(), WeightsError> {
        let tensor = self.get(name)?;
        if tensor.shape.rank() != 2 {
            return Err(extents(name, "two axes", &tensor));
        }
        let turned = swap_last_axes(&tensor);
        self.insert(name, turned)
    }

    /// Transposes every matrix whose name has the pattern (those of [`Self::rename_family`]), and says how many. So a
    /// file's \[out, in\] layers become \[in, out\] together: of a square one nothing would tell that it was forgotten.
    pub fn transpose_matching(&mut self, pattern: &str) -> Result<usize, WeightsError> {
        let names: Vec<String> = self.names().filter(|n| matches(pattern, n)).map(str::to_owned).collect();
        let mut turned = vec![];
        for name in names {
            let tensor = self.get(&name)?;
            if tensor.shape.rank() != 2 {
                return Err(extents(&name, "two axes", &tensor));
            }
            turned.push((name, swap_last_axes(&tensor)));
        }
        let count = turned.len();
        self.put(&[], turned).map(|()| count)
    }

    /// Gives the values, in their order, other extents of the same product.
    pub fn reshape(&mut self, name: &str, dims: &[usize]) -> Result<(), WeightsError> {
        if dims.len() > MAX_RANK || dims.contains(&0) {
            let expected = format!("rank at most {MAX_RANK} and no zero extent");
            return Err(WeightsError::Argument { what: "dims", expected, got: format!("{dims:?}") });
        }
        let tensor = self.get(name)?;
        let len = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if len != Some(tensor.data.len()) {
            return Err(extents(name, format!("as many values as {dims:?} has"), &tensor));
        }
        let data = tensor.into_owned().data;
        self.insert(name, FloatTensor { shape: Shape::new(dims), data })
    }
}

/// The transpose of each matrix over the last two axes; a vector stays as it is.
pub(in super::super) fn swap_last_axes(tensor: &FloatTensor) -> FloatTensor {
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
