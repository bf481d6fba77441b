//! Certificate files.

use super::file::{self, Kind};
use super::ArtifactError;
use crate::protocol::Key;
use crate::wire::Reader;
use std::path::Path;

/// A proof, made once at setup, that the committed weights lie in their declared ranges (DESIGN 5.2). It belongs to one
/// weight tree, whatever the parameters of the models over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub model: String,
    /// The same weight tree under the certificate's plan.
    pub key: Key,
    pub argument: Vec<u8>,
}

impl Certificate {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = [self.key.root, self.key.digest].concat();
        body.extend((self.key.columns as u64).to_le_bytes());
        body.extend(&self.argument);
        file::encode(Kind::Certificate, &self.model, &body)
    }

    /// Reads the certificate of a model of this name.
    pub fn from_bytes(bytes: &[u8], model: &str) -> Result<Self, ArtifactError> {
        let (name, body) = file::decode(Kind::Certificate, bytes)?;
        file::expect_model(Kind::Certificate, model, &name)?;
        let mut r = Reader::new(body);
        let mut read = || {
            let (root, digest) = (r.hash("root")?.0, r.hash("digest")?.0);
            Ok::<_, crate::wire::WireError>((root, digest, r.long("columns")?))
        };
        let (root, digest, columns) = read().map_err(|e| Kind::Certificate.malformed(e))?;
        let columns = usize::try_from(columns)
            .map_err(|_| Kind::Certificate.malformed(format_args!("{columns} columns")))?;
        let argument = body[body.len() - r.remaining()..].to_vec();
        Ok(Self { model: name, key: Key { root, columns, digest }, argument })
    }

    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        file::write(path.as_ref(), &self.to_bytes())
    }

    pub fn load(path: impl AsRef<Path>, model: &str) -> Result<Self, ArtifactError> {
        Self::from_bytes(&file::read(path.as_ref())?, model)
    }
}
