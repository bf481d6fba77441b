//! Named float tensors, read from a safetensors file on demand.

use super::convert::to_f32;
use super::error::WeightsError;
use super::mapped::{Entry, MappedFile};
use super::names::nearest;
use super::tensor::FloatTensor;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use zkml_ir::shape::{Shape, MAX_RANK};

/// Named f32 tensors in real units. Those of a file stay in the file, memory-mapped, until they are asked for.
#[derive(Clone, Debug, Default)]
pub struct FloatWeights {
    tensors: BTreeMap<String, Source>,
}

#[derive(Clone, Debug)]
enum Source {
    Memory(FloatTensor),
    File(Arc<MappedFile>, Entry),
}

impl FloatWeights {
    /// Opens a safetensors file. F16, BF16, F32 and F64 are read as f32; a tensor of another type may be in the file
    /// and is an error only where it is asked for.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let file = Arc::new(MappedFile::open(path.as_ref())?);
        let entries = file.entries.iter();
        let tensors = entries.map(|(n, e)| (n.clone(), Source::File(file.clone(), e.clone()))).collect();
        Ok(Self { tensors })
    }

    /// Tensors in memory; of two with one name the last stays.
    pub fn from_tensors(
        tensors: impl IntoIterator<Item = (String, FloatTensor)>,
    ) -> Result<Self, WeightsError> {
        let mut weights = Self::default();
        for (name, tensor) in tensors {
            weights.insert(name, tensor)?;
        }
        Ok(weights)
    }

    /// Adds a tensor or replaces that of the same name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: FloatTensor) -> Result<(), WeightsError> {
        let (name, expected, got) = (name.into(), tensor.shape.len(), tensor.data.len());
        if expected != got {
            return Err(WeightsError::Length { name, expected, got });
        }
        self.tensors.insert(name, Source::Memory(tensor));
        Ok(())
    }

    /// Drops a tensor; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.tensors.remove(name).is_some()
    }

    /// Keeps the tensors whose names `keep` accepts.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.tensors.retain(|name, _| keep(name));
    }

    /// The tensor of this name, every value finite.
    pub fn get(&self, name: &str) -> Result<Cow<'_, FloatTensor>, WeightsError> {
        let Some(source) = self.tensors.get(name) else {
            let nearest = nearest(name, self.names()).map(str::to_owned);
            return Err(WeightsError::NotFound { name: name.to_owned(), nearest });
        };
        let tensor = match source {
            Source::Memory(t) => Cow::Borrowed(t),
            Source::File(file, entry) => Cow::Owned(read(name, file, entry)?),
        };
        match tensor.data.iter().position(|v| !v.is_finite()) {
            None => Ok(tensor),
            Some(index) => {
                let value = tensor.data[index] as f64;
                Err(WeightsError::NotFinite { name: name.to_owned(), index, value })
            }
        }
    }

    /// Extents of the tensor of this name, without reading it.
    pub fn dims(&self, name: &str) -> Option<&[usize]> {
        Some(match self.tensors.get(name)? {
            Source::Memory(t) => t.shape.dims(),
            Source::File(_, entry) => &entry.dims,
        })
    }

    /// Names in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Puts `to` in place of `from` at the start of every name that starts so, and says how many did. Nothing changes if
    /// a new name is another tensor's already.
    pub fn rename_prefix(&mut self, from: &str, to: &str) -> Result<usize, WeightsError> {
        let renamed = |name: &str| name.strip_prefix(from).map(|rest| format!("{to}{rest}"));
        for name in self.names() {
            if let Some(new) = renamed(name) {
                if self.tensors.contains_key(&new) && renamed(&new).is_none() {
                    return Err(WeightsError::NameTaken { from: name.to_owned(), to: new });
                }
            }
        }
        let mut count = 0;
        let old = std::mem::take(&mut self.tensors);
        self.tensors = old
            .into_iter()
            .map(|(name, source)| match renamed(&name) {
                Some(new) => {
                    count += 1;
                    (new, source)
                }
                None => (name, source),
            })
            .collect();
        Ok(count)
    }
}

fn read(name: &str, file: &MappedFile, entry: &Entry) -> Result<FloatTensor, WeightsError> {
    if entry.dims.len() > MAX_RANK || entry.dims.contains(&0) {
        return Err(WeightsError::Shape { name: name.to_owned(), got: entry.dims.clone() });
    }
    match to_f32(entry.dtype, file.bytes(entry)) {
        Some(data) => Ok(FloatTensor { shape: Shape::new(entry.dims.clone()), data }),
        None => Err(WeightsError::Dtype { name: name.to_owned(), got: entry.dtype }),
    }
}
