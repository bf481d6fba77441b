//! Verifier keys.

use super::file::{self, Kind};
use super::verifier::expect_level;
use super::{ArtifactError, Certificate, PortableKey, Verifier};
use crate::protocol::Key;
use crate::security::{AcceptedLevel, SecurityLevel};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex};
use zkml_ir::graph::{Graph, Params};
use zkml_ir::lower;

/// What a key file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyData {
    pub model: String,
    pub level: SecurityLevel,
    /// Rescales and steps: every one of them is part of what a proof proves.
    pub params: Params,
    pub key: Key,
}

/// All that a verifier needs beside the model's graph. The first use lowers the graph, computes its tables and checks
/// the certificate; later uses of the same key find that done.
///
/// A key whose model has weights verifies nothing until it has their certificate ([`VerifierKey::certified`]), a file of
/// its own: the root alone does not say that the weights are integers of their types.
#[derive(Debug)]
pub struct VerifierKey {
    data: KeyData,
    certificate: Option<Certificate>,
    ready: Mutex<Option<(Graph, Arc<Verifier>)>>,
}

impl VerifierKey {
    pub fn new(data: KeyData) -> Self {
        Self { data, certificate: None, ready: Mutex::new(None) }
    }

    /// This key with the certificate of its weights, which its first use checks.
    pub fn certified(self, certificate: Certificate) -> Self {
        Self { certificate: Some(certificate), ..Self::new(self.data) }
    }

    pub fn data(&self) -> &KeyData {
        &self.data
    }

    /// `None` where the model has no weights, and for a key as it comes out of its file.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The verifier of `graph` under this key, if its level is accepted.
    pub fn verifier(&self, graph: &Graph, accepted: AcceptedLevel) -> Result<Arc<Verifier>, ArtifactError> {
        expect_level(accepted, self.data.level)?;
        // A poisoned lock holds nothing half-made: the value is replaced whole.
        let mut ready = self.ready.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((_, v)) = ready.as_ref().filter(|(g, _)| g == graph) {
            return Ok(v.clone());
        }
        let made = Arc::new(Verifier::new(graph, &self.data, self.certificate.as_ref(), accepted)?);
        *ready = Some((graph.clone(), made.clone()));
        Ok(made)
    }

    /// This key with the relations of `graph` beside it, for a program that does not have the graph.
    pub fn portable(&self, graph: &Graph) -> Result<PortableKey, ArtifactError> {
        let KeyData { model, level, params, key } = &self.data;
        file::expect_model(Kind::Key, &graph.name, model)?;
        let plan = lower::lower(graph, params)?.plan;
        Ok(PortableKey { model: model.clone(), level: *level, key: key.clone(), plan })
    }

    /// The key without its certificate.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = postcard::to_stdvec(&self.data).expect("a key serialises");
        file::encode(Kind::Key, &self.data.model, &body)
    }

    /// Reads a key of the model of this name.
    pub fn from_bytes(bytes: &[u8], model: &str) -> Result<Self, ArtifactError> {
        let (name, body) = file::decode(Kind::Key, bytes)?;
        file::expect_model(Kind::Key, model, &name)?;
        let data: KeyData = file::from_postcard(Kind::Key, body)?;
        file::expect_model(Kind::Key, model, &data.model)?;
        Ok(Self::new(data))
    }

    /// Writes the key without its certificate.
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
        Self { data: self.data.clone(), certificate: self.certificate.clone(), ready: Mutex::new(ready) }
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.data, &self.certificate) == (&other.data, &other.certificate)
    }
}
