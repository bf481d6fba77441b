//! Verification against a graph and a key.

use super::{Error, Proof, VerifierKey};
use zkml_ir::graph::Graph;
use zkml_ir::tensor::IntTensor;

pub use zkml_runtime::protocol::Statement;
pub use zkml_runtime::security::AcceptedLevel;

/// Accepts if the model of this graph and key gives `outputs` on `inputs`; a private input is `None`, and the proof's
/// commitment stands for it. Needs no weights and runs nothing again. Keys below a proven level are refused:
/// [`verify_at`] takes them.
pub fn verify(
    graph: &Graph,
    key: &VerifierKey,
    inputs: &[Option<IntTensor>],
    outputs: &[IntTensor],
    proof: &Proof,
) -> Result<(), Error> {
    verify_at(AcceptedLevel::Proven, graph, key, inputs, outputs, proof)
}

/// [`verify`] for keys of these levels.
pub fn verify_at(
    accepted: AcceptedLevel,
    graph: &Graph,
    key: &VerifierKey,
    inputs: &[Option<IntTensor>],
    outputs: &[IntTensor],
    proof: &Proof,
) -> Result<(), Error> {
    let statement = Statement { inputs: inputs.to_vec(), outputs: outputs.to_vec() };
    Ok(key.verifier(graph, accepted)?.verify(&statement, proof)?)
}
