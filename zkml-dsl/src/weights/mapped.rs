//! A memory-mapped safetensors file.

use super::error::FileError;
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// The header of a safetensors file, and its bytes where they lie.
#[derive(Debug)]
pub(super) struct MappedFile {
    bytes: Mmap,
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// One tensor of the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) dtype: Dtype,
    pub(super) dims: Vec<usize>,
    range: Range<usize>,
}

impl MappedFile {
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let io = |source| FileError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        // SAFETY: the map is private and only ever read as plain bytes. As with every mapped file, another process
        // that truncates it while it is in use can stop this one; files of this crate are replaced by renaming.
        let bytes = unsafe { Mmap::map(&file) }.map_err(io)?;
        let (header, info) = SafeTensors::read_metadata(&bytes)
            .map_err(|source| FileError::Format { path: path.to_owned(), source })?;
        // The header follows its own length, a u64; `read_metadata` has checked every offset against the file's length.
        let start = size_of::<u64>() + header;
        let entries = info
            .tensors()
            .into_iter()
            .map(|(name, t)| {
                let (lo, hi) = t.data_offsets;
                (name, Entry { dtype: t.dtype, dims: t.shape.clone(), range: start + lo..start + hi })
            })
            .collect();
        let metadata = info.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self { bytes, entries, metadata })
    }

    /// The little-endian values of an entry of this file.
    pub(super) fn bytes(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.range.clone()]
    }
}
