//! Named float tensors, read from a safetensors file on demand.

use super::checkpoint;
use super::convert::{is_float, to_f32};
use super::error::WeightsError;
use super::mapped::{Entry, MappedFile};
use super::names::nearest;
use super::tensor::FloatTensor;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Opens a checkpoint, every file of it memory-mapped:
    ///
    /// - a safetensors file;
    /// - the index of a sharded one, `*.json` ([`IndexError`](super::IndexError) says what can be wrong): shards
    ///   lie in its folder or below it, and no tensor is in two;
    /// - a folder with `model.safetensors` or, failing that, `model.safetensors.index.json`.
    ///
    /// F16, BF16, F32 and F64 are read as f32; a tensor of another type may be in the file and is an error only where
    /// it is asked for ([`Self::drop_integers`]).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let tensors = checkpoint::open(path.as_ref())?;
        let tensors = tensors.into_iter().map(|(name, (file, e))| (name, Source::File(file, e))).collect();
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
        let tensor = match self.source(name)? {
            Source::Memory(t) => Cow::Borrowed(t),
            Source::File(file, entry) => Cow::Owned(read(name, file, entry)?),
        };
        check_finite(name, &tensor)?;
        Ok(tensor)
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

    /// Drops the tensors of integer and other types that are no float, and names them: position numbers, batch
    /// counters.
    pub fn drop_integers(&mut self) -> Vec<String> {
        let integer = |source: &mut Source| matches!(source, Source::File(_, e) if !is_float(e.dtype));
        self.tensors.extract_if(.., |_, source| integer(source)).map(|(name, _)| name).collect()
    }

    /// Gives the tensor `from` the name `to`.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), WeightsError> {
        self.source(from)?;
        self.remap(|name| Some(if name == from { to } else { name }.to_owned()))
    }

    /// Puts `to` in place of `from` at the start of every name that starts so, and says how many did. Nothing changes
    /// if a new name is another tensor's already.
    pub fn rename_prefix(&mut self, from: &str, to: &str) -> Result<usize, WeightsError> {
        let count = self.names().filter(|name| name.starts_with(from)).count();
        self.remap(|name| {
            Some(name.strip_prefix(from).map_or_else(|| name.to_owned(), |rest| format!("{to}{rest}")))
        })?;
        Ok(count)
    }

    /// Gives the tensor `from` a second name: to cut different parts out of one, say. That of a file is not read.
    pub fn copy(&mut self, from: &str, to: &str) -> Result<(), WeightsError> {
        let source = self.source(from)?.clone();
        match self.tensors.contains_key(to) {
            true => Err(WeightsError::Exists { name: to.to_owned() }),
            false => {
                self.tensors.insert(to.to_owned(), source);
                Ok(())
            }
        }
    }

    /// Where there is no tensor `name`, `like` becomes it too; whether it did. Files leave out an output matrix that is
    /// the embedding's: `tie("lm_head.weight", "embed_tokens.weight")`.
    pub fn tie(&mut self, name: &str, like: &str) -> Result<bool, WeightsError> {
        match self.tensors.contains_key(name) {
            true => Ok(false),
            false => self.copy(like, name).map(|()| true),
        }
    }

    /// Gives every tensor its new name, drops those that have none. Nothing changes if two would have one name.
    pub(super) fn remap(&mut self, new_name: impl Fn(&str) -> Option<String>) -> Result<(), WeightsError> {
        let names: Vec<(String, String)> =
            self.names().filter_map(|old| Some((old.to_owned(), new_name(old)?))).collect();
        let mut taken: BTreeSet<&str> =
            names.iter().filter(|(f, t)| f == t).map(|(_, t)| t.as_str()).collect();
        for (from, to) in names.iter().filter(|(from, to)| from != to) {
            if !taken.insert(to) {
                return Err(WeightsError::NameTaken { from: from.clone(), to: to.clone() });
            }
        }
        let mut old = std::mem::take(&mut self.tensors);
        self.tensors = names.into_iter().filter_map(|(from, to)| Some((to, old.remove(&from)?))).collect();
        Ok(())
    }

    fn source(&self, name: &str) -> Result<&Source, WeightsError> {
        self.tensors.get(name).ok_or_else(|| {
            let nearest = nearest(name, self.names()).map(str::to_owned);
            WeightsError::NotFound { name: name.to_owned(), nearest }
        })
    }
}

pub(super) fn check_finite(name: &str, tensor: &FloatTensor) -> Result<(), WeightsError> {
    match tensor.data.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => {
            let value = tensor.data[index] as f64;
            Err(WeightsError::NotFinite { name: name.to_owned(), index, value })
        }
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
