//! A key made ready: its plan checked, its tables computed, its certificate checked. Made once, used for every proof.

use super::file::{expect_model, Kind};
use super::{ArtifactError, Certificate, KeyData, ProofFile};
use crate::protocol::{self, Key, Label, Proof, Statement, System, SystemError, VerifyError};
use crate::security::{AcceptedLevel, SecurityLevel};
use stwo::core::vcs::blake2_hash::Blake2sHash;
use zkml_ir::graph::Graph;
use zkml_ir::lower;
use zkml_ir::plan::{Plan, Source};

pub struct Verifier {
    model: String,
    system: System,
    key: Key,
}

impl Verifier {
    /// Lowers the graph with the key's parameters and checks the certificate. The key says at which level its proofs are:
    /// whether that is enough is for the caller to say.
    pub fn new(
        graph: &Graph,
        key: &KeyData,
        certificate: Option<&Certificate>,
        accepted: AcceptedLevel,
    ) -> Result<Self, ArtifactError> {
        expect_model(Kind::Key, &graph.name, &key.model)?;
        expect_level(accepted, key.level)?;
        let plan = lower::lower(graph, &key.params)?.plan;
        Self::of_plan(&key.model, plan, key.level, &key.key, certificate)
    }

    /// For the model whose relations these are, at a level that was accepted.
    pub(super) fn of_plan(
        model: &str,
        plan: Plan,
        level: SecurityLevel,
        key: &Key,
        certificate: Option<&Certificate>,
    ) -> Result<Self, ArtifactError> {
        let system = System::new(plan, level, Label::Inference)?;
        protocol::check_key(&system, key)?;
        let this = Self { model: model.into(), system, key: key.clone() };
        this.check_certificate(certificate)?;
        Ok(this)
    }

    /// The certificate commits to the same tree: same root, same columns, same layout of the weights.
    fn check_certificate(&self, certificate: Option<&Certificate>) -> Result<(), ArtifactError> {
        if !self.system.plan().tensors.iter().any(|t| matches!(t.source, Source::Weight(_))) {
            return Ok(());
        }
        let certificate = certificate.ok_or(ArtifactError::Uncertified)?;
        expect_model(Kind::Certificate, &self.model, &certificate.model)?;
        let plans = lower::certificate(self.system.plan())?;
        let systems = plans.into_iter().map(|part| certificate_system(part.plan, &self.system));
        check_parts(&self.system, &self.key, &systems.collect::<Result<Vec<_>, _>>()?, certificate)
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    pub fn system(&self) -> &System {
        &self.system
    }

    /// Accepts if the model gives these outputs on these inputs.
    pub fn verify(&self, statement: &Statement, proof: &ProofFile) -> Result<(), ArtifactError> {
        expect_model(Kind::Proof, &self.model, &proof.model)?;
        if proof.digest != self.key.digest {
            let (expected, got) = (Blake2sHash(self.key.digest), Blake2sHash(proof.digest));
            return Err(ArtifactError::Digest { expected: expected.to_string(), got: got.to_string() });
        }
        let argument = Proof::from_bytes(&proof.argument, &self.system).map_err(VerifyError::Wire)?;
        if argument.private_root.map(|r| r.0) != proof.private_inputs {
            return Err(VerifyError::PrivateCommitment.into());
        }
        Ok(protocol::verify(&self.system, &self.key, statement, &argument)?)
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("model", &self.model).field("key", &self.key).finish()
    }
}

pub(super) fn expect_level(expected: AcceptedLevel, got: SecurityLevel) -> Result<(), ArtifactError> {
    match expected.accepts(got) {
        true => Ok(()),
        false => Err(ArtifactError::Level { expected, got }),
    }
}

/// Checks that these parts, and no others, are proven over the tree of the model's key.
pub fn check_parts(
    model: &System,
    key: &Key,
    systems: &[System],
    certificate: &Certificate,
) -> Result<(), ArtifactError> {
    let (expected, got) = (systems.len(), certificate.parts.len());
    if expected != got {
        return Err(ArtifactError::CertificateParts { expected, got });
    }
    let Certificate { root, columns, .. } = *certificate;
    let same_tree = (root, columns) == (key.root, key.columns);
    for (system, part) in systems.iter().zip(&certificate.parts) {
        if !same_tree || model.weight_placements() != system.weight_placements() {
            return Err(ArtifactError::Certificate(VerifyError::WeightRoot));
        }
        let proof = Proof::from_bytes(&part.argument, system)
            .map_err(|e| ArtifactError::Certificate(VerifyError::Wire(e)))?;
        let statement = Statement { inputs: vec![], outputs: vec![] };
        let key = Key { root, columns, digest: part.digest };
        protocol::verify(system, &key, &statement, &proof).map_err(ArtifactError::Certificate)?;
    }
    Ok(())
}

/// A part's system, over the weights as the model's system lays them out.
pub fn certificate_system(plan: Plan, model: &System) -> Result<System, SystemError> {
    let (rows, level) = (model.params().log_rows, model.params().level);
    System::with_log_rows(plan, level, Label::Certificate, rows)
}
