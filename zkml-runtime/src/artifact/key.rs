//! Verifier keys.

use super::file::{self, Kind};
use super::{ArtifactError, Verifier};
use crate::protocol::Key;
use crate::security::SecurityLevel;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex};
use zkml_ir::graph::{Graph, Params};

/// A proof, made once at setup, that the committed weights lie in their declared ranges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The same weight tree under the certificate's plan.
    pub key: Key,
    pub proof: Vec<u8>,
}

/// What a key file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyData {
    pub model: String,
    pub level: SecurityLevel,
    /// Rescales and steps: every one of them is part of what a proof proves.
    pub params: Params,
    pub key: Key,
    /// `None` where the model has no weights.
    pub certificate: Option<Certificate>,
}

/// All that a verifier needs beside the model's graph. The first use lowers the graph, computes its tables and checks
/// the certificate; later uses of the same key find that done.
#[derive(Debug)]
pub struct VerifierKey {
    data: KeyData,
    ready: Mutex<Option<Arc<Verifier>>>,
}

impl VerifierKey {
    pub fn new(data: KeyData) -> Self {
        Self { data, ready: Mutex::new(None) }
    }

    pub fn data(&self) -> &KeyData {
        &self.data
    }

    /// The verifier of `graph` under this key.
    pub fn verifier(&self, graph: &Graph) -> Result<Arc<Verifier>, ArtifactError> {
        // A poisoned lock holds nothing half-made: the value is replaced whole.
        let mut ready = self.ready.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(v) = ready.as_ref().filter(|v| v.graph() == graph) {
            return Ok(v.clone());
        }
        let made = Arc::new(Verifier::new(graph, &self.data)?);
        *ready = Some(made.clone());
        Ok(made)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let body = postcard::to_stdvec(&self.data).expect("a key serialises");
        file::encode(Kind::Key, &self.data.model, &body)
    }

    /// Reads a key of the model of this name.
    pub fn from_bytes(bytes: &[u8], model: &str) -> Result<Self, ArtifactError> {
        let (name, body) = file::decode(Kind::Key, bytes)?;
        file::expect_model(Kind::Key, model, &name)?;
        let malformed = |reason: String| ArtifactError::Malformed { kind: Kind::Key.name(), reason };
        let (data, rest) =
            postcard::take_from_bytes::<KeyData>(body).map_err(|e| malformed(e.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed(format!("{} bytes after the end", rest.len())));
        }
        file::expect_model(Kind::Key, model, &data.model)?;
        Ok(Self::new(data))
    }

    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        file::write(path.as_ref(), &self.to_bytes())
    }

    pub fn load(path: impl AsRef<Path>, model: &str) -> Result<Self, ArtifactError> {
        Self::from_bytes(&file::read(path.as_ref())?, model)
    }
}

impl Clone for VerifierKey {
    fn clone(&self) -> Self {
        let ready = self.ready.lock().unwrap_or_else(|e| e.into_inner()).clone();
        Self { data: self.data.clone(), ready: Mutex::new(ready) }
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}
