//! A checkpoint: one safetensors file, or several with an index that says which tensor lies in which.
//!
//! The index is Hugging Face's `model.safetensors.index.json`: `{"metadata": {..}, "weight_map": {tensor: shard, ..}}`.
//! It comes from anywhere: its length is bounded, and a shard is a file in the index's folder or below it.

use super::error::{FileError, IndexError, WeightsError};
use super::mapped::{Entry, MappedFile};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::collections::btree_map::{self, BTreeMap};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The longest index that is read, in bytes: some half a million tensors.
const MAX_INDEX: u64 = 64 << 20;

/// Where each tensor lies.
pub(super) type Tensors = BTreeMap<String, (Arc<MappedFile>, Entry)>;

/// Opens a safetensors file, an index (`*.json`) or a folder that holds one of them under its usual name.
pub(super) fn open(path: &Path) -> Result<Tensors, WeightsError> {
    if !path.is_dir() {
        return open_file(path);
    }
    match [WHOLE, INDEX].map(|name| path.join(name)).iter().find(|p| p.is_file()) {
        Some(file) => open_file(file),
        None => Err(IndexError::NoCheckpoint { path: path.to_owned() }.into()),
    }
}

fn open_file(path: &Path) -> Result<Tensors, WeightsError> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        return open_index(path);
    }
    let file = Arc::new(MappedFile::open(path)?);
    Ok(file.entries.iter().map(|(name, entry)| (name.clone(), (file.clone(), entry.clone()))).collect())
}

/// Maps every shard. A tensor of a shard that the index does not list is there as well, as it is in a file alone.
fn open_index(path: &Path) -> Result<Tensors, WeightsError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let map = shards_of_tensors(path, &read_index(path)?)?;
    let mut shards = BTreeMap::new();
    for (tensor, shard) in &map {
        if let btree_map::Entry::Vacant(free) = shards.entry(shard) {
            let file =
                MappedFile::open(&folder.join(shard)).map_err(|e| missing_shard(path, tensor, shard, e))?;
            free.insert(Arc::new(file));
        }
    }
    let mut tensors: BTreeMap<String, (&Path, _)> = BTreeMap::new();
    for (&shard, file) in &shards {
        for (name, entry) in &file.entries {
            if let Some((first, _)) = tensors.insert(name.clone(), (shard, (file.clone(), entry.clone()))) {
                return Err(two_shards(path, name, first, shard).into());
            }
        }
    }
    for (tensor, shard) in &map {
        let found = tensors.get(tensor).map(|(found, _)| *found);
        if found != Some(shard) {
            let (path, tensor, shard) = (path.to_owned(), tensor.clone(), shard.clone());
            let found = found.map(Path::to_owned);
            return Err(IndexError::TensorMissing { path, tensor, shard, found }.into());
        }
    }
    Ok(tensors.into_iter().map(|(name, (_, place))| (name, place)).collect())
}

fn missing_shard(path: &Path, tensor: &str, shard: &Path, error: FileError) -> WeightsError {
    match error {
        FileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            let (path, shard, tensor) = (path.to_owned(), shard.to_owned(), tensor.to_owned());
            IndexError::ShardMissing { path, shard, tensor }.into()
        }
        other => other.into(),
    }
}

fn two_shards(path: &Path, tensor: &str, first: &Path, second: &Path) -> IndexError {
    let (path, tensor) = (path.to_owned(), tensor.to_owned());
    IndexError::TwoShards { path, tensor, first: first.to_owned(), second: second.to_owned() }
}

fn read_index(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let io = |source| FileError::Io { path: path.to_owned(), source };
    let mut text = vec![];
    File::open(path).map_err(io)?.take(MAX_INDEX + 1).read_to_end(&mut text).map_err(io)?;
    match text.len() as u64 <= MAX_INDEX {
        true => Ok(text),
        false => Err(IndexError::TooLong { path: path.to_owned(), limit: MAX_INDEX }.into()),
    }
}

/// The shard of each listed tensor, relative to the index's folder.
fn shards_of_tensors(path: &Path, text: &[u8]) -> Result<BTreeMap<String, PathBuf>, IndexError> {
    let index: Index = serde_json::from_slice(text)
        .map_err(|e| IndexError::Malformed { path: path.to_owned(), reason: e.to_string() })?;
    let mut map = BTreeMap::new();
    for (tensor, shard) in index.weight_map.0 {
        let Some(relative) = below(&shard) else {
            return Err(IndexError::ShardName { path: path.to_owned(), tensor, shard });
        };
        match map.entry(tensor) {
            btree_map::Entry::Vacant(free) => drop(free.insert(relative)),
            btree_map::Entry::Occupied(old) if *old.get() == relative => {}
            btree_map::Entry::Occupied(old) => {
                return Err(two_shards(path, old.key(), old.get(), &relative));
            }
        }
    }
    match map.is_empty() {
        true => Err(IndexError::Empty { path: path.to_owned() }),
        false => Ok(map),
    }
}

/// A relative path that stays below its folder, in one spelling.
fn below(name: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => return None,
        }
    }
    (!path.as_os_str().is_empty()).then_some(path)
}

#[derive(serde::Deserialize)]
struct Index {
    weight_map: Pairs,
}

/// A JSON object of strings as it stands in the text: a map would hide that one key has two values.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from tensor names to file names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = vec![];
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_names() {
        for (name, path) in [
            ("model-00001-of-00002.safetensors", "model-00001-of-00002.safetensors"),
            ("./a", "a"),
            ("part/./a", "part/a"),
            ("..a", "..a"),
        ] {
            assert_eq!(below(name).as_deref(), Some(Path::new(path)), "{name}");
        }
        for name in ["", ".", "./", "..", "../a", "a/../a", "a/..", "/a", "//a"] {
            assert_eq!(below(name), None, "{name}");
        }
    }

    #[test]
    fn an_index_too_long_is_not_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(INDEX);
        File::create(&path).unwrap().set_len(MAX_INDEX + 1).unwrap();
        let error = open(&path).unwrap_err();
        assert!(
            matches!(&error, WeightsError::Index(IndexError::TooLong { limit: MAX_INDEX, .. })),
            "{error}"
        );
        // One byte less is read, and is no JSON.
        File::options().write(true).open(&path).unwrap().set_len(MAX_INDEX).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(&error, WeightsError::Index(IndexError::Malformed { .. })), "{error}");
    }
}
