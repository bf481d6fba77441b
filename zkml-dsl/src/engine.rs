//! The untyped run time that generated code wraps. Placeholder: the signatures, without a prover behind them.

use std::path::Path;
use thiserror::Error;
use zkml_ir::graph::{Graph, Params};
use zkml_ir::tensor::IntTensor;

#[derive(Debug, Error)]
pub enum Error {
    #[error("this build has no engine")]
    NoEngine,
}

/// Integer weights, parameters and the committed tree.
pub struct Model {
    graph: Graph,
}

pub struct Proof;
pub struct VerifierKey;
/// A float tensor and its shape.
pub struct FloatTensor;
pub struct FloatWeights;
/// An op's share of the proof.
pub struct Component;
/// Witness columns.
pub struct Trace;

impl Model {
    pub fn new(_: Graph, _: Vec<IntTensor>, _: Params) -> Result<Self, Error> {
        Err(Error::NoEngine)
    }

    pub fn load(_: Graph, _: &Path) -> Result<Self, Error> {
        Err(Error::NoEngine)
    }

    pub fn calibrate(_: Graph, _: &FloatWeights, _: &[Vec<FloatTensor>]) -> Result<Self, Error> {
        Err(Error::NoEngine)
    }

    pub fn save(&self, _: &Path) -> Result<(), Error> {
        Err(Error::NoEngine)
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn run(&self, _: &[IntTensor]) -> Result<Vec<IntTensor>, Error> {
        Err(Error::NoEngine)
    }

    pub fn prove(&self, _: &[IntTensor]) -> Result<(Vec<IntTensor>, Proof), Error> {
        Err(Error::NoEngine)
    }

    pub fn generate_trace(&self, _: &[IntTensor]) -> Result<Trace, Error> {
        Err(Error::NoEngine)
    }

    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey
    }
}

/// The components of a graph, one for each op, in order.
pub fn register(_: &Graph) -> Result<Vec<Component>, Error> {
    Err(Error::NoEngine)
}

/// The plain integers, without a committed model.
pub fn run(_: &Graph, _: &[IntTensor], _: &Params, _: &[IntTensor]) -> Result<Vec<IntTensor>, Error> {
    Err(Error::NoEngine)
}

/// `None` stands for a private input.
pub fn verify(
    _: &Graph,
    _: &VerifierKey,
    _: &[Option<IntTensor>],
    _: &[IntTensor],
    _: &Proof,
) -> Result<(), Error> {
    Err(Error::NoEngine)
}
