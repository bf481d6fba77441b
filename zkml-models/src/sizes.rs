//! What configurations of all families read from a file's shapes.

use zkml_dsl::weights::{FloatWeights, WeightsError};

/// Rows and columns of a matrix.
pub(crate) fn matrix(weights: &FloatWeights, name: &str) -> Result<(usize, usize), WeightsError> {
    let missing = || WeightsError::NotFound { name: name.into(), nearest: None };
    match *weights.dims(name).ok_or_else(missing)? {
        [rows, columns] => Ok((rows, columns)),
        ref other => Err(WeightsError::Shape { name: name.into(), got: other.to_vec() }),
    }
}

/// Rows of the table of so many tokens, padding included: an axis is stored in slabs by its odd part, so it is a multiple of
/// 128.
pub(crate) fn padded(words: usize) -> usize {
    words.next_multiple_of(128)
}
