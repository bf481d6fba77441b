//! Inputs and outputs by name, and as files.

use super::elem::Element;
use super::error::Error;
use super::tensor::Tensor;
use super::weights::NamedTensors;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;
use zkml_ir::shape::{Shape, MAX_RANK};
use zkml_ir::tensor::{Data, IntTensor};

/// A model's `Inputs` or `Outputs`.
pub trait Record: Sized {
    fn to_tensors(&self) -> Vec<(&'static str, &IntTensor)>;
    fn from_tensors(tensors: &mut dyn Source) -> Result<Self, Error>;

    /// Reads a safetensors file of integers.
    fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| file_error(path, e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| file_error(path, e))?;
        let mut tensors = NamedTensors::new();
        for (name, view) in file.tensors() {
            let tensor = int_tensor(&name, view.dtype(), view.shape(), view.data())?;
            tensors.insert(name, tensor);
        }
        Self::from_tensors(&mut tensors)
    }

    /// Writes a safetensors file of integers.
    fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let stored: Vec<_> = self.to_tensors().into_iter().map(|(name, t)| (name, stored(t))).collect();
        let views = stored.iter().map(|(name, (dtype, dims, bytes))| {
            safetensors::tensor::TensorView::new(*dtype, dims.clone(), bytes).map(|v| (*name, v))
        });
        let views = views.collect::<Result<Vec<_>, _>>().map_err(|e| file_error(path, e))?;
        let bytes = safetensors::serialize(views, None).map_err(|e| file_error(path, e))?;
        std::fs::write(path, bytes).map_err(|e| file_error(path, e))
    }
}

fn file_error(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::File { path: path.display().to_string(), reason: e.to_string() }
}

fn stored(t: &IntTensor) -> (Dtype, Vec<usize>, Vec<u8>) {
    let (dtype, bytes) = match t.data() {
        Data::I8(v) => (Dtype::I8, v.iter().map(|&x| x as u8).collect()),
        Data::I16(v) => (Dtype::I16, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Data::I32(v) => (Dtype::I32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
    };
    (dtype, t.shape().dims().to_vec(), bytes)
}

fn int_tensor(name: &str, dtype: Dtype, dims: &[usize], bytes: &[u8]) -> Result<IntTensor, Error> {
    if dims.is_empty() || dims.len() > MAX_RANK || dims.contains(&0) {
        return Err(Error::NoShape { dims: dims.to_vec() });
    }
    let data = match dtype {
        Dtype::I8 => Data::I8(bytes.iter().map(|&b| b as i8).collect()),
        Dtype::U8 => Data::I16(bytes.iter().map(|&b| b as i16).collect()),
        Dtype::I16 => Data::I16(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()),
        Dtype::I32 => {
            Data::I32(bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
        other => return Err(Error::DataType { name: name.to_string(), got: format!("{other:?}") }),
    };
    Ok(IntTensor::from_data(Shape::new(dims), data)?)
}

/// Where tensors are taken from by name.
pub trait Source {
    fn take(&mut self, name: &str) -> Result<IntTensor, Error>;
}

impl Source for NamedTensors {
    fn take(&mut self, name: &str) -> Result<IntTensor, Error> {
        self.remove(name)
            .ok_or_else(|| Error::Missing { name: name.to_string(), there: self.keys().cloned().collect() })
    }
}

/// One field of a record. The shape is the model's to check.
pub fn read<
    E: Element,
    const A: usize,
    const B: usize,
    const C: usize,
    const D: usize,
    const F: usize,
    const G: usize,
>(
    tensors: &mut dyn Source,
    name: &str,
) -> Result<Tensor<E, A, B, C, D, F, G>, Error> {
    Tensor::from_int(tensors.take(name)?)
}

/// A model's results, in order: the generated code knows how many there are.
pub struct Results(std::vec::IntoIter<IntTensor>);

impl Results {
    pub(super) fn new(outputs: Vec<IntTensor>) -> Self {
        Self(outputs.into_iter())
    }

    /// The next, which is of this element type by the model's checks.
    pub fn tensor<
        E: Element,
        const A: usize,
        const B: usize,
        const C: usize,
        const D: usize,
        const F: usize,
        const G: usize,
    >(
        &mut self,
    ) -> Tensor<E, A, B, C, D, F, G> {
        Tensor::wrap(self.0.next().expect("a model has as many outputs as its type says"))
    }
}
