//! Headers, and files of a bounded length, written whole or not at all.

use super::{ArtifactError, FORMAT_VERSION};
use crate::atomic_write;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

const MAGIC: &[u8; 4] = b"zkml";

/// The longest key or proof file that is read: 1 GiB, a thousand times the largest that we have seen. A longer one is
/// refused before its bytes are in memory.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Key = 0,
    Proof = 1,
    Certificate = 2,
    Statement = 3,
    PortableKey = 4,
}

impl Kind {
    /// A file of this kind that is cut short or altered.
    pub fn malformed(self, reason: impl std::fmt::Display) -> ArtifactError {
        ArtifactError::Malformed { kind: self.name(), reason: reason.to_string() }
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Key => "verifier key",
            Kind::Proof => "proof",
            Kind::Certificate => "certificate",
            Kind::Statement => "statement",
            Kind::PortableKey => "portable key",
        }
    }
}

/// Magic, kind, version, length and bytes of the model's name, then the body.
pub(super) fn encode(kind: Kind, model: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + model.len() + 16);
    out.extend(MAGIC);
    out.extend((kind as u32).to_le_bytes());
    out.extend(FORMAT_VERSION.to_le_bytes());
    out.extend((model.len() as u32).to_le_bytes());
    out.extend(model.as_bytes());
    out.extend(body);
    out
}

/// The model's name and the body.
pub(super) fn decode(kind: Kind, bytes: &[u8]) -> Result<(String, &[u8]), ArtifactError> {
    let word = |at: usize| {
        let b = bytes.get(at..at + 4).ok_or_else(|| kind.malformed("the header is incomplete"))?;
        Ok::<_, ArtifactError>(u32::from_le_bytes(b.try_into().expect("four bytes")))
    };
    if bytes.get(..4) != Some(MAGIC) || word(4)? != kind as u32 {
        return Err(ArtifactError::Kind { expected: kind.name() });
    }
    let version = word(8)?;
    if version != FORMAT_VERSION {
        return Err(ArtifactError::Version { kind: kind.name(), expected: FORMAT_VERSION, got: version });
    }
    let end = (word(12)? as usize).saturating_add(16);
    let name = bytes.get(16..end).ok_or_else(|| kind.malformed("the model's name is incomplete"))?;
    let name = std::str::from_utf8(name).map_err(|_| kind.malformed("the model's name is not UTF-8"))?;
    Ok((name.to_owned(), &bytes[end..]))
}

/// A body that is one value and nothing after it.
pub(super) fn from_postcard<T: DeserializeOwned>(kind: Kind, body: &[u8]) -> Result<T, ArtifactError> {
    let (value, rest) = postcard::take_from_bytes(body).map_err(|e| kind.malformed(e))?;
    match rest.len() {
        0 => Ok(value),
        n => Err(kind.malformed(format_args!("{n} bytes after the end"))),
    }
}

pub(super) fn expect_model(kind: Kind, expected: &str, got: &str) -> Result<(), ArtifactError> {
    match expected == got {
        true => Ok(()),
        false => Err(ArtifactError::Model { kind: kind.name(), expected: expected.into(), got: got.into() }),
    }
}

/// Writes a file, whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
    atomic_write(path, |w| w.write_all(bytes))
        .map_err(|source| ArtifactError::Io { path: path.to_owned(), source })
}

/// The bytes of a file of at most [`MAX_FILE_BYTES`].
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ArtifactError> {
    read_at_most(path, MAX_FILE_BYTES)
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, ArtifactError> {
    let io = |source| ArtifactError::Io { path: path.to_owned(), source };
    let too_long = |got| ArtifactError::TooLong { path: path.to_owned(), most, got };
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length > most {
        return Err(too_long(length));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // A device or a pipe has no length, and a file may grow.
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    match bytes.len() as u64 {
        got if got > most => Err(too_long(got)),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        f.write_all(bytes).unwrap();
        f
    }

    #[test]
    fn files_of_at_most_the_bound_are_read() {
        let f = file(b"12345");
        assert_eq!(read_at_most(f.path(), 5).unwrap(), b"12345");
        let e = read_at_most(f.path(), 4).unwrap_err();
        assert!(matches!(&e, ArtifactError::TooLong { most: 4, got: 5, .. }), "{e}");
    }

    #[test]
    fn a_file_beyond_the_bound_is_not_read() {
        // A hole: it takes no space, but reading it would take the memory.
        let f = file(b"");
        f.as_file().set_len(MAX_FILE_BYTES + 1).unwrap();
        let e = read(f.path()).unwrap_err();
        assert!(matches!(&e, ArtifactError::TooLong { most: MAX_FILE_BYTES, .. }), "{e}");
        assert!(e.to_string().ends_with("1073741825 bytes, expected at most 1073741824"), "{e}");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_length_is_read_up_to_the_bound() {
        let e = read_at_most(Path::new("/dev/zero"), 1000).unwrap_err();
        assert!(matches!(&e, ArtifactError::TooLong { most: 1000, got: 1001, .. }), "{e}");
    }
}
