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
/// of the arrays that are wanted.
pub fn split(
    path: &Path,
    arrays: &Arrays,
    shapes: &BTreeMap<String, Vec<usize>>,
) -> Result<Vec<Arrays>, SamplesError> {
    let mut count: Option<usize> = None;
    for (name, shape) in shapes {
        let Some(array) = arrays.get(name) else { continue };
        let n = match &array.dims[..] {
            dims if dims == shape => 1,
            [n, rest @ ..] if rest == shape => *n,
            // Samples along the batch of one.
            [n, rest @ ..] if shape.first() == Some(&1) && *rest == shape[1..] => *n,
            got => {
                let (expected, got) = (shape.clone(), got.to_vec());
                return Err(SamplesError::Shape { path: path.to_owned(), name: name.clone(), expected, got });
            }
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

/// An array of this shape, for tests and writers.
pub fn to_ndarray(array: &Array) -> ArrayD<f32> {
    ArrayD::from_shape_vec(IxDyn(&array.dims), array.values.clone()).expect("as many values")
}
