//! Headers and atomic writes.

use super::{ArtifactError, FORMAT_VERSION};
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 4] = b"zkml";

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
    let malformed = |reason: &str| ArtifactError::Malformed { kind: kind.name(), reason: reason.into() };
    let word = |at: usize| {
        let b = bytes.get(at..at + 4).ok_or_else(|| malformed("the header is incomplete"))?;
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
    let name = bytes.get(16..end).ok_or_else(|| malformed("the model's name is incomplete"))?;
    let name = std::str::from_utf8(name).map_err(|_| malformed("the model's name is not UTF-8"))?;
    Ok((name.to_owned(), &bytes[end..]))
}

/// A body that is one value and nothing after it.
pub(super) fn from_postcard<T: DeserializeOwned>(kind: Kind, body: &[u8]) -> Result<T, ArtifactError> {
    let malformed = |reason: String| ArtifactError::Malformed { kind: kind.name(), reason };
    let (value, rest) = postcard::take_from_bytes(body).map_err(|e| malformed(e.to_string()))?;
    match rest.len() {
        0 => Ok(value),
        n => Err(malformed(format!("{n} bytes after the end"))),
    }
}

pub(super) fn expect_model(kind: Kind, expected: &str, got: &str) -> Result<(), ArtifactError> {
    match expected == got {
        true => Ok(()),
        false => Err(ArtifactError::Model { kind: kind.name(), expected: expected.into(), got: got.into() }),
    }
}

/// Writes `bytes` beside `path` and renames.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
    let io = |source| ArtifactError::Io { path: path.to_owned(), source };
    let mut name = path.file_name().map(|n| n.to_os_string()).unwrap_or_default();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary: PathBuf = path.with_file_name(name);
    let write = || {
        let mut f = std::fs::File::create(&temporary)?;
        f.write_all(bytes)?;
        f.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|e| {
        // Nothing is left behind; the first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
        io(e)
    })
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, ArtifactError> {
    std::fs::read(path).map_err(|source| ArtifactError::Io { path: path.to_owned(), source })
}
