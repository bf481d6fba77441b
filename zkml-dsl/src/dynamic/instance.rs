//! A graph, before it has weights.

use super::{CostReport, DynamicModel, IntTensor, NamedTensors};
use crate::engine::{
    self, Backend, Component, FloatTensor, FloatWeights, Memory, Proof, SecurityLevel, VerifierKey,
};
use crate::typed::Instance;
use crate::Error;
use std::path::Path;
use zkml_ir::cost;
use zkml_ir::graph::{Graph, Params};

/// A model that is known by its graph.
#[derive(Clone, Debug)]
pub struct DynamicInstance(Instance);

impl DynamicInstance {
    /// The model of a graph, which may come from any front end: one that the macro made is as good.
    pub fn new(graph: Graph) -> Self {
        Self(Instance::of_graph(graph))
    }

    pub fn graph(&self) -> &Graph {
        self.0.graph()
    }

    /// The same model, set up for proofs of this level; keys carry it.
    pub fn at_level(self, level: SecurityLevel) -> Self {
        Self(self.0.at_level(level))
    }

    /// The same model, set up and proven there.
    pub fn on(self, backend: Backend) -> Self {
        Self(self.0.on(backend))
    }

    /// What a proof will cost, as the macro prints it. An error says why the model cannot be proven.
    pub fn report(&self) -> Result<CostReport, Error> {
        Ok(cost::report(self.graph()).map_err(engine::Error::from)?)
    }

    /// The model's components, one for each op, in order.
    pub fn components(&self) -> Result<Vec<Component>, Error> {
        Ok(engine::register(self.graph())?)
    }

    /// The memory that setup and proof take, by the cost model.
    pub fn memory(&self) -> Result<Memory, Error> {
        Ok(engine::estimate_memory(self.graph(), self.0.level())?)
    }

    /// Row-major values of the input of this name, in its shape.
    pub fn input(&self, name: &str, values: &[i32]) -> Result<IntTensor, Error> {
        super::input(self.graph(), name, values)
    }

    /// From float weights, with scales that fit the samples: each has one tensor for each input.
    pub fn calibrate(
        &self,
        weights: &FloatWeights,
        samples: &[Vec<FloatTensor>],
    ) -> Result<DynamicModel, Error> {
        self.0.calibrate(weights, samples).map(DynamicModel::new)
    }

    /// Commits integer weights, by their path: prover key and verifier key.
    pub fn setup(&self, weights: NamedTensors, params: Params) -> Result<DynamicModel, Error> {
        self.0.setup_named(weights, params).map(DynamicModel::new)
    }

    /// From a model file ([`DynamicModel::save`]).
    pub fn load(&self, path: impl AsRef<Path>) -> Result<DynamicModel, Error> {
        self.0.load(path.as_ref()).map(DynamicModel::new)
    }

    /// The plain integers, no proof and no key.
    pub fn run(
        &self,
        inputs: &[IntTensor],
        weights: &NamedTensors,
        params: &Params,
    ) -> Result<Vec<IntTensor>, Error> {
        self.0.outputs(&refs(inputs), &[("", weights)], params)
    }

    /// Checks a proof: no weights, no re-execution. `inputs` are the public ones, in order: for a private one the proof's
    /// commitment stands. Keys of proven levels are taken, and those of this instance's own level.
    pub fn verify(
        &self,
        key: &VerifierKey,
        inputs: &[IntTensor],
        outputs: &[IntTensor],
        proof: &Proof,
    ) -> Result<(), Error> {
        let ports = || self.graph().inputs.iter();
        let (expected, got) = (ports().filter(|p| !p.private).count(), inputs.len());
        if expected != got {
            return Err(Error::InputCount { expected, got });
        }
        let (expected, got) = (self.graph().outputs.len(), outputs.len());
        if expected != got {
            return Err(Error::OutputCount { expected, got });
        }
        let mut public = inputs.iter();
        let all: Vec<_> = ports().map(|p| if p.private { None } else { public.next() }).collect();
        self.0.verify(key, &all, &refs(outputs), proof)
    }
}

impl AsRef<Instance> for DynamicInstance {
    fn as_ref(&self) -> &Instance {
        &self.0
    }
}

pub(super) fn refs(tensors: &[IntTensor]) -> Vec<&IntTensor> {
    tensors.iter().collect()
}
