//! Proof files.

use super::file::{self, Kind};
use super::ArtifactError;
use crate::wire::Reader;
use std::path::Path;
use stwo::core::vcs::blake2_hash::Blake2sHash;

/// A proof as it travels: the model's name, the digest of what it proves, the argument's bytes. The bytes are read, and
/// every one of them checked, by the verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    pub model: String,
    pub digest: [u8; 32],
    /// Commitment to the private inputs, if the model has any.
    pub private_inputs: Option<[u8; 32]>,
    pub argument: Vec<u8>,
}

impl ProofFile {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = self.digest.to_vec();
        body.push(self.private_inputs.is_some() as u8);
        body.extend(self.private_inputs.iter().flatten());
        body.extend(&self.argument);
        file::encode(Kind::Proof, &self.model, &body)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let (model, body) = file::decode(Kind::Proof, bytes)?;
        let mut r = Reader::new(body);
        let mut hash = |what| r.hash(what).map(|h: Blake2sHash| h.0).map_err(|e| Kind::Proof.malformed(e));
        let digest = hash("digest")?;
        let (flag, rest) = body[32..].split_first().ok_or_else(|| Kind::Proof.malformed("no flag"))?;
        let (private_inputs, argument) = match (flag, rest.split_first_chunk::<32>()) {
            (0, _) => (None, rest),
            (1, Some((root, rest))) => (Some(*root), rest),
            _ => return Err(Kind::Proof.malformed("no commitment to private inputs")),
        };
        Ok(Self { model, digest, private_inputs, argument: argument.to_vec() })
    }

    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        file::write(path.as_ref(), &self.to_bytes())
    }

    pub fn load(path: impl AsRef<Path>) -> Result<Self, ArtifactError> {
        Self::from_bytes(&file::read(path.as_ref())?)
    }

    /// Bytes of the file.
    pub fn len(&self) -> usize {
        self.to_bytes().len()
    }

    pub fn is_empty(&self) -> bool {
        false
    }
}
