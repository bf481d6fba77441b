//! A graph with its weights, ready to prove.

use super::instance::refs;
use crate::engine::{FloatTensor, Model, Proof, Trace, VerifierKey};
use crate::typed::{self, check_inputs};
use crate::units;
use crate::Error;
use std::path::Path;
use zkml_ir::graph::{Graph, Params};
use zkml_ir::tensor::IntTensor;

/// A model that is known by its graph, with weights, rescales and steps, and its keys.
#[derive(Debug)]
pub struct DynamicModel(Model);

impl DynamicModel {
    pub(super) fn new(model: Model) -> Self {
        Self(model)
    }

    pub fn graph(&self) -> &Graph {
        self.0.graph()
    }

    pub fn params(&self) -> &Params {
        self.0.params()
    }

    /// Row-major values of the input of this name, in its shape.
    pub fn input(&self, name: &str, values: &[i32]) -> Result<IntTensor, Error> {
        super::input(self.graph(), name, values)
    }

    /// The integers of the input of this name nearest to row-major real values ([`units::to_units`]).
    pub fn to_units(&self, input: &str, values: &[f32]) -> Result<IntTensor, Error> {
        let index = super::find(&self.graph().inputs, input)?;
        Ok(units::to_units(self.graph(), self.params(), index, values)?)
    }

    /// The real values of the output of this name ([`units::to_real`]).
    pub fn to_real(&self, output: &str, values: &IntTensor) -> Result<FloatTensor, Error> {
        let index = super::find(&self.graph().outputs, output)?;
        Ok(units::to_real(self.graph(), self.params(), index, values)?)
    }

    /// Runs the model and proves it. Inputs and outputs are in the order of the graph.
    pub fn prove(&self, inputs: &[IntTensor]) -> Result<(Vec<IntTensor>, Proof), Error> {
        check_inputs(self.graph(), &refs(inputs))?;
        Ok(self.0.prove(inputs)?)
    }

    /// The same integers, no proof.
    pub fn run(&self, inputs: &[IntTensor]) -> Result<Vec<IntTensor>, Error> {
        check_inputs(self.graph(), &refs(inputs))?;
        Ok(self.0.run(inputs)?)
    }

    /// Every witness column for these inputs.
    pub fn generate_trace(&self, inputs: &[IntTensor]) -> Result<Trace, Error> {
        typed::generate_trace(&self.0, inputs)
    }

    /// What a verifier needs, beside graph, public values and proof.
    pub fn verifier_key(&self) -> VerifierKey {
        self.0.verifier_key()
    }

    /// Writes the model file that [`DynamicInstance::load`](super::DynamicInstance::load) reads.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        typed::save(&self.0, path.as_ref())
    }
}

impl AsRef<Model> for DynamicModel {
    fn as_ref(&self) -> &Model {
        &self.0
    }
}
