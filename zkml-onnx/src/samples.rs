//! Arrays in NumPy's files: what samples and reference outputs lie in.

use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{NpzReader, ReadNpzError, ReadableElement};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Real values of one array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub dims: Vec<usize>,
    pub values: Vec<f32>,
}

/// Arrays by name.
pub type Arrays = BTreeMap<String, Array>;

#[derive(Debug, Error)]
pub enum SamplesError {
    #[error("cannot read `{}`: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("`{}` is no npz file: {source}", path.display())]
    Npz { path: PathBuf, source: ReadNpzError },
    #[error("`{}`: array `{name}` is of no type that is read: floats, integers and booleans are", path.display())]
    Type { path: PathBuf, name: String },
    #[error("`{}`: array `{name}` has {got} samples, others {expected}", path.display())]
    Count { path: PathBuf, name: String, expected: usize, got: usize },
    #[error("`{}`: array `{name}` has shape {got:?}; expected {expected:?}, or that with the number of samples before it", path.display())]
    Shape { path: PathBuf, name: String, expected: Vec<usize>, got: Vec<usize> },
}

/// All arrays of an npz file.
pub fn read(path: &Path) -> Result<Arrays, SamplesError> {
    let file = File::open(path).map_err(|source| SamplesError::Io { path: path.to_owned(), source })?;
    let fail = |source| SamplesError::Npz { path: path.to_owned(), source };
    let mut npz = NpzReader::new(file).map_err(fail)?;
    let names = npz.names().map_err(fail)?;
    let mut arrays = Arrays::new();
    for name in names {
        let array = array(&mut npz, &name)
            .ok_or_else(|| SamplesError::Type { path: path.to_owned(), name: name.clone() })?;
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let dims = array.shape().to_vec();
        arrays.insert(name, Array { dims, values: array.as_standard_layout().iter().copied().collect() });
    }
    Ok(arrays)
}

fn array(npz: &mut NpzReader<File>, name: &str) -> Option<ArrayD<f32>> {
    fn of<T: ReadableElement + Copy>(
        npz: &mut NpzReader<File>,
        name: &str,
        f: fn(T) -> f32,
    ) -> Option<ArrayD<f32>> {
        let array: ArrayD<T> = npz.by_name(name).ok()?;
        Some(array.mapv(f))
    }
    of::<f32>(npz, name, |v| v)
        .or_else(|| of::<f64>(npz, name, |v| v as f32))
        .or_else(|| of::<i64>(npz, name, |v| v as f32))
        .or_else(|| of::<i32>(npz, name, |v| v as f32))
        .or_else(|| of::<u8>(npz, name, f32::from))
        .or_else(|| of::<i8>(npz, name, f32::from))
        .or_else(|| of::<bool>(npz, name, |v| f32::from(u8::from(v))))
}

/// The samples of a file: each array holds one, or as many as there are along a first axis of its own. `shapes` are those of one sample,
/// of the arrays that are wanted. Axes of extent one do not tell shapes apart: a model's input may have lost those of its file.
///
/// # Errors
///
/// [`SamplesError::Shape`] for an array of another shape, [`SamplesError::Count`] if arrays hold unlike numbers of samples.
pub fn split(
    path: &Path,
    arrays: &Arrays,
    shapes: &BTreeMap<String, Vec<usize>>,
) -> Result<Vec<Arrays>, SamplesError> {
    let mut count: Option<usize> = None;
    for (name, shape) in shapes {
        let Some(array) = arrays.get(name) else { continue };
        let Some(n) = count_of(&array.dims, shape) else {
            let (expected, got) = (shape.clone(), array.dims.clone());
            return Err(SamplesError::Shape { path: path.to_owned(), name: name.clone(), expected, got });
        };
        match count {
            Some(expected) if expected != n => {
                return Err(SamplesError::Count {
                    path: path.to_owned(),
                    name: name.clone(),
                    expected,
                    got: n,
                })
            }
            _ => count = Some(n),
        }
    }
    let n = count.unwrap_or(0);
    let one = |k: usize| -> Arrays {
        let part = |(name, shape): (&String, &Vec<usize>)| {
            let array = arrays.get(name)?;
            let size = shape.iter().product::<usize>();
            let values = array.values[k * size..(k + 1) * size].to_vec();
            Some((name.clone(), Array { dims: shape.clone(), values }))
        };
        shapes.iter().filter_map(part).collect()
    };
    Ok((0..n).map(one).collect())
}

/// How many samples of a shape an array holds.
fn count_of(dims: &[usize], shape: &[usize]) -> Option<usize> {
    let same = |a: &[usize], b: &[usize]| a.iter().filter(|&&d| d != 1).eq(b.iter().filter(|&&d| d != 1));
    match dims {
        _ if same(dims, shape) => Some(1),
        [n, rest @ ..] if same(rest, shape) => Some(*n),
        _ => None,
    }
}

/// An array of this shape, for tests and writers.
pub fn to_ndarray(array: &Array) -> ArrayD<f32> {
    ArrayD::from_shape_vec(IxDyn(&array.dims), array.values.clone()).expect("as many values")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_along_a_first_axis() {
        for (dims, shape, n) in [
            (&[3, 4][..], &[3, 4][..], Some(1)),
            (&[5, 3, 4], &[3, 4], Some(5)),
            // The batch of one is where samples lie, or is gone, or is there again.
            (&[5, 3], &[1, 3], Some(5)),
            (&[5, 1, 3], &[3], Some(5)),
            (&[1, 3], &[3], Some(1)),
            (&[1, 1, 3], &[1, 3], Some(1)),
            (&[4, 1, 1], &[4, 1], Some(1)),
            (&[7], &[], Some(7)),
            (&[], &[1], Some(1)),
            (&[0, 3], &[3], Some(0)),
            (&[4], &[3], None),
            (&[3, 5], &[3], None),
            (&[12], &[3, 4], None),
            (&[4, 3], &[3, 4], None),
        ] {
            assert_eq!(count_of(dims, shape), n, "{dims:?} of {shape:?}");
        }
    }

    #[test]
    fn each_sample_has_its_values_in_the_models_shape() {
        let array = |dims: &[usize], from: usize| Array {
            dims: dims.to_vec(),
            values: (0..dims.iter().product()).map(|i| (from + i) as f32).collect(),
        };
        let arrays = Arrays::from([("x".into(), array(&[2, 1, 3], 0)), ("y".into(), array(&[2], 10))]);
        let shapes = BTreeMap::from([("x".to_owned(), vec![3]), ("y".to_owned(), vec![1])]);
        let split = split(Path::new("a.npz"), &arrays, &shapes).unwrap();
        assert_eq!(split.len(), 2);
        assert_eq!(split[1]["x"], Array { dims: vec![3], values: vec![3.0, 4.0, 5.0] });
        assert_eq!(split[1]["y"], Array { dims: vec![1], values: vec![11.0] });
        let shapes = BTreeMap::from([("x".to_owned(), vec![2, 3]), ("y".to_owned(), vec![1])]);
        let error = super::split(Path::new("a.npz"), &arrays, &shapes).unwrap_err().to_string();
        assert_eq!(error, "`a.npz`: array `y` has 2 samples, others 1");
    }
}
