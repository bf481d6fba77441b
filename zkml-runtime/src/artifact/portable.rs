//! Keys that need no source: what a program embeds that verifies proofs of a model it was not built with.

use super::file::{self, Kind};
use super::verifier::expect_level;
use super::{ArtifactError, Certificate, Verifier};
use crate::protocol::Key;
use crate::security::{AcceptedLevel, SecurityLevel};
use serde::{Deserialize, Serialize};
use std::path::Path;
use zkml_ir::plan::Plan;

/// A verifier key with the model's relations beside it.
///
/// The plan says what is proven, so a portable key is as trusted as its source: compare [`Key::digest`] with that of a
/// key that you made from the model's function, or pin it. That a key's plan is sound, that is, that no integer can wrap,
/// is checked whoever made it, but for [`zkml_ir::plan::Product::proven`], which the model's ops vouch for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortableKey {
    pub model: String,
    pub level: SecurityLevel,
    pub key: Key,
    pub plan: Plan,
}

impl PortableKey {
    /// Checks plan, key and certificate, and computes the tables: once for many proofs.
    pub fn verifier(
        &self,
        certificate: Option<&Certificate>,
        accepted: AcceptedLevel,
    ) -> Result<Verifier, ArtifactError> {
        expect_level(accepted, self.level)?;
        Verifier::of_plan(&self.model, self.plan.clone(), self.level, &self.key, certificate)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let body = postcard::to_stdvec(self).expect("a key serialises");
        file::encode(Kind::PortableKey, &self.model, &body)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let (name, body) = file::decode(Kind::PortableKey, bytes)?;
        let key: Self = file::from_postcard(Kind::PortableKey, body)?;
        file::expect_model(Kind::PortableKey, &name, &key.model)?;
        Ok(key)
    }

    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        file::write(path.as_ref(), &self.to_bytes())
    }

    pub fn load(path: impl AsRef<Path>) -> Result<Self, ArtifactError> {
        Self::from_bytes(&file::read(path.as_ref())?)
    }
}
