//! Integer model files: the weights of a calibrated model, its rescales and its steps.
//!
//! A safetensors file that holds every weight in the narrowest of I8, I16 and I32 that covers its element type, and the
//! header of [`super::header`].

use super::convert::words;
use super::error::{LoadError, SaveError};
use super::fit::{check_fit, Present, Wanted};
use super::header;
use super::mapped::MappedFile;
use crate::atomic_write;
use safetensors::{Dtype, View};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::graph::{Graph, Params};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::{Data, IntTensor};

/// Writes a model file, whole or not at all. `weights` are those of `graph.weights`, in order; every value must lie in
/// its declared element type, every parameter be admissible.
pub fn save_model(
    path: impl AsRef<Path>,
    graph: &Graph,
    weights: &[IntTensor],
    params: &Params,
) -> Result<(), SaveError> {
    let path = path.as_ref();
    let (expected, got) = (graph.weights.len(), weights.len());
    if expected != got {
        return Err(SaveError::Count { expected, got });
    }
    let mut names = BTreeSet::new();
    let mut views = vec![];
    for (decl, tensor) in graph.weights.iter().zip(weights) {
        let (name, ty) = (decl.name.clone(), graph.ty(decl.node));
        if !names.insert(name.clone()) {
            return Err(SaveError::SameName { name });
        }
        if tensor.shape() != &ty.shape {
            return Err(SaveError::Shape { name, expected: ty.shape.clone(), got: tensor.shape().clone() });
        }
        let (elem, range) = (ty.elem, ty.elem.interval());
        if let Some((index, value)) = tensor.first_outside(range) {
            return Err(SaveError::Range { name, elem, range, index, value });
        }
        views.push((name, Stored { dtype: storage(elem), tensor }));
    }
    let text = header::encode(graph, params)?;
    let bytes = safetensors::serialize(views, Some(HashMap::from([(header::KEY.to_owned(), text)])))?;
    atomic_write(path, |w| w.write_all(&bytes))
        .map_err(|source| SaveError::Io { path: path.to_owned(), source })
}

/// Reads a model file of `graph`: the weights in the order of `graph.weights`, and the parameters.
pub fn load_model(path: impl AsRef<Path>, graph: &Graph) -> Result<(Vec<IntTensor>, Params), LoadError> {
    let path = path.as_ref();
    let file = MappedFile::open(path)?;
    let Some(text) = file.metadata.get(header::KEY) else {
        return Err(LoadError::NotAModel { path: path.to_owned() });
    };
    let params = header::decode(graph, text)?;
    let dims = |node| graph.ty(node).shape.dims().to_vec();
    let wanted = graph.weights.iter().map(|w| Wanted { name: &w.name, dims: dims(w.node), layout: None });
    let wanted: Vec<_> = wanted.collect();
    let present =
        file.entries.iter().map(|(n, e)| Present { name: n.clone(), dims: e.dims.clone() }).collect();
    check_fit(&graph.name, &wanted, present)?;
    let mut weights = vec![];
    for decl in &graph.weights {
        let (name, ty, entry) = (&decl.name, graph.ty(decl.node), &file.entries[&decl.name]);
        let (elem, range) = (ty.elem, ty.elem.interval());
        let expected = storage(elem);
        if entry.dtype != expected {
            return Err(LoadError::Dtype { name: name.clone(), elem, expected, got: entry.dtype });
        }
        let tensor = read(&ty.shape, expected, file.bytes(entry));
        if let Some((index, value)) = tensor.first_outside(range) {
            return Err(LoadError::Range { name: name.clone(), elem, range, index, value });
        }
        weights.push(tensor);
    }
    Ok((weights, params))
}

/// The narrowest signed type that holds every value of an element type.
fn storage(elem: Elem) -> Dtype {
    let range = elem.interval();
    let holds = |lo, hi| Interval::new(lo, hi).contains_interval(range);
    if holds(i8::MIN.into(), i8::MAX.into()) {
        Dtype::I8
    } else if holds(i16::MIN.into(), i16::MAX.into()) {
        Dtype::I16
    } else {
        Dtype::I32
    }
}

/// `dtype` is one of [`storage`], and the file's header holds as many bytes as dtype and shape say.
fn read(shape: &Shape, dtype: Dtype, bytes: &[u8]) -> IntTensor {
    let data = match dtype {
        Dtype::I8 => Data::I8(words(bytes, i8::from_le_bytes)),
        Dtype::I16 => Data::I16(words(bytes, i16::from_le_bytes)),
        _ => Data::I32(words(bytes, i32::from_le_bytes)),
    };
    IntTensor::from_data(shape.clone(), data).expect("the header was validated")
}

/// A tensor in the storage type of its element type, whatever storage it has in memory.
struct Stored<'a> {
    dtype: Dtype,
    tensor: &'a IntTensor,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        self.tensor.shape().dims()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = (0..self.tensor.len()).map(|i| self.tensor.get(i));
        Cow::Owned(match self.dtype {
            Dtype::I8 => values.map(|v| v as u8).collect(),
            Dtype::I16 => values.flat_map(|v| (v as i16).to_le_bytes()).collect(),
            _ => values.flat_map(|v| v.to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        self.tensor.len() * self.dtype.bitsize() / 8
    }
}
