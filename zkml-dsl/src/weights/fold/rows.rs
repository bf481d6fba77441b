//! Parts of a tensor, and rows of zeros.

use super::{extents, FloatTensor, FloatWeights, WeightsError};
use std::ops::Range;
use zkml_ir::shape::Shape;

impl FloatWeights {
    /// Appends rows of zeros along axis 0 until there are `rows`: a vocabulary of 50257 to 50304, say.
    pub fn pad_rows(&mut self, name: &str, rows: usize) -> Result<(), WeightsError> {
        let tensor = self.get(name)?;
        let mut dims = tensor.shape.dims().to_vec();
        let Some(first) = dims.first_mut() else {
            return Err(extents(name, "an axis", &tensor));
        };
        if *first > rows {
            return Err(extents(name, format!("at most {rows} rows"), &tensor));
        }
        let row = tensor.data.len() / *first;
        let bytes = row.checked_mul(rows).and_then(|n| n.checked_mul(size_of::<f32>()));
        let Some(bytes) = bytes.filter(|&n| n <= isize::MAX as usize) else {
            let expected = "as many as memory can address".to_owned();
            return Err(WeightsError::Argument { what: "rows", expected, got: rows.to_string() });
        };
        *first = rows;
        let mut data = tensor.into_owned().data;
        data.resize(bytes / size_of::<f32>(), 0.0);
        self.put(&[], vec![(name.to_owned(), FloatTensor { shape: Shape::new(dims), data })])
    }

    /// Keeps rows `range` of axis 0.
    pub fn take_rows(&mut self, name: &str, range: Range<usize>) -> Result<(), WeightsError> {
        self.slice(name, 0, range)
    }

    /// Keeps `range` of an axis. [`Self::copy`] first keeps the whole as well.
    pub fn slice(&mut self, name: &str, axis: usize, range: Range<usize>) -> Result<(), WeightsError> {
        if range.is_empty() {
            let (expected, got) = ("not empty".to_owned(), format!("{range:?}"));
            return Err(WeightsError::Argument { what: "range", expected, got });
        }
        let tensor = self.get(name)?;
        let mut dims = tensor.shape.dims().to_vec();
        let Some(&extent) = dims.get(axis) else {
            return Err(extents(name, format!("an axis {axis}"), &tensor));
        };
        if range.end > extent {
            return Err(extents(name, format!("at least {} along axis {axis}", range.end), &tensor));
        }
        let inner: usize = dims[axis + 1..].iter().product();
        let blocks = tensor.data.chunks_exact(extent * inner);
        let data = blocks.flat_map(|block| &block[range.start * inner..range.end * inner]).copied().collect();
        dims[axis] = range.len();
        self.put(&[], vec![(name.to_owned(), FloatTensor { shape: Shape::new(dims), data })])
    }
}
