//! Certificate files.

use super::file::{self, Kind};
use super::ArtifactError;
use crate::wire::{Expected, Reader, WireError, HASH, WORD};
use std::path::Path;

/// Proofs, made once at setup, that the committed weights lie in their declared ranges (DESIGN 5.2). They belong to one weight
/// tree, whatever the parameters of the models over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub model: String,
    /// Root and columns of the weight tree.
    pub root: [u8; 32],
    pub columns: usize,
    /// As many as [`zkml_ir::lower::certificate`] has plans.
    pub parts: Vec<CertificatePart>,
}

/// What bounds some of the weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatePart {
    /// Of the part's system.
    pub digest: [u8; 32],
    pub argument: Vec<u8>,
}

impl Certificate {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = self.root.to_vec();
        body.extend((self.columns as u64).to_le_bytes());
        body.extend((self.parts.len() as u32).to_le_bytes());
        for part in &self.parts {
            body.extend(part.digest);
            body.extend((part.argument.len() as u32).to_le_bytes());
            body.extend(&part.argument);
        }
        file::encode(Kind::Certificate, &self.model, &body)
    }

    /// Reads the certificate of a model of this name.
    pub fn from_bytes(bytes: &[u8], model: &str) -> Result<Self, ArtifactError> {
        let (name, body) = file::decode(Kind::Certificate, bytes)?;
        file::expect_model(Kind::Certificate, model, &name)?;
        let (root, columns, parts) = read(body).map_err(|e| Kind::Certificate.malformed(e))?;
        let columns = usize::try_from(columns)
            .map_err(|_| Kind::Certificate.malformed(format_args!("{columns} columns")))?;
        Ok(Self { model: name, root, columns, parts })
    }

    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        file::write(path.as_ref(), &self.to_bytes())
    }

    pub fn load(path: impl AsRef<Path>, model: &str) -> Result<Self, ArtifactError> {
        Self::from_bytes(&file::read(path.as_ref())?, model)
    }
}

fn read(body: &[u8]) -> Result<([u8; 32], u64, Vec<CertificatePart>), WireError> {
    let mut r = Reader::new(body);
    let (root, columns) = (r.hash("root")?.0, r.long("columns")?);
    let least = HASH + WORD;
    let n = r.count("parts", Expected::AtMost(r.remaining() / least))?;
    let mut parts = Vec::with_capacity(n);
    for _ in 0..n {
        let digest = r.hash("digest")?.0;
        let len = r.count("argument", Expected::AtMost(r.remaining()))?;
        parts.push(CertificatePart { digest, argument: r.bytes("argument", len)?.to_vec() });
    }
    r.finish()?;
    Ok((root, columns, parts))
}
