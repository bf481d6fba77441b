//! A key made ready: lowered, its tables computed, its certificate checked. Made once, used for every proof.

use super::file::{expect_model, Kind};
use super::{ArtifactError, KeyData, ProofFile};
use crate::protocol::{self, Key, Label, Proof, Statement, System, SystemError, VerifyError};
use zkml_ir::graph::Graph;
use zkml_ir::lower;
use zkml_ir::plan::Plan;

pub struct Verifier {
    graph: Graph,
    system: System,
    key: Key,
}

impl Verifier {
    /// Lowers the graph with the key's parameters and checks the key's certificate.
    pub fn new(graph: &Graph, key: &KeyData) -> Result<Self, ArtifactError> {
        expect_model(Kind::Key, &graph.name, &key.model)?;
        let plan = lower::lower(graph, &key.params)?.plan;
        let system = System::new(plan, key.level, Label::Inference)?;
        protocol::check_key(&system, &key.key)?;
        let this = Self { graph: graph.clone(), system, key: key.key.clone() };
        this.check_certificate(graph, key)?;
        Ok(this)
    }

    /// The certificate commits to the same tree: same root, same columns, same layout of the weights.
    fn check_certificate(&self, graph: &Graph, key: &KeyData) -> Result<(), ArtifactError> {
        if graph.weights.is_empty() {
            return Ok(());
        }
        let certificate = key.certificate.as_ref().ok_or(ArtifactError::Uncertified)?;
        let system = certificate_system(lower::certificate(graph)?.plan, &self.system)?;
        let (own, other) = (self.system.weight_placements(), system.weight_placements());
        if own != other
            || certificate.key.root != self.key.root
            || certificate.key.columns != self.key.columns
        {
            return Err(ArtifactError::Certificate(VerifyError::WeightRoot));
        }
        let proof = Proof::from_bytes(&certificate.proof, &system)
            .map_err(|e| ArtifactError::Certificate(VerifyError::Wire(e)))?;
        let statement = Statement { inputs: vec![], outputs: vec![] };
        protocol::verify(&system, &certificate.key, &statement, &proof).map_err(ArtifactError::Certificate)
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn system(&self) -> &System {
        &self.system
    }

    /// Accepts if the model gives these outputs on these inputs.
    pub fn verify(&self, statement: &Statement, proof: &ProofFile) -> Result<(), ArtifactError> {
        expect_model(Kind::Proof, &self.graph.name, &proof.model)?;
        if proof.digest != self.key.digest {
            let hex = |b: &[u8]| b.iter().map(|x| format!("{x:02x}")).collect::<String>();
            return Err(ArtifactError::Digest { expected: hex(&self.key.digest), got: hex(&proof.digest) });
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
        f.debug_struct("Verifier").field("model", &self.graph.name).field("key", &self.key).finish()
    }
}

/// The certificate's system, over the weights as the model's system lays them out.
pub fn certificate_system(plan: Plan, model: &System) -> Result<System, SystemError> {
    let (rows, level) = (model.params().log_rows, model.params().level);
    System::with_log_rows(plan, level, Label::Certificate, rows)
}
