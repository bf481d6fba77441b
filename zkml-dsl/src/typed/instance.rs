//! A model at given dimensions, and the calls that generated code makes.

use super::error::{Error, WeightProblem};
use super::record::Results;
use super::weights::{NamedTensors, WeightSet};
use crate::engine::{
    self, Backend, Component, FloatTensor, FloatWeights, Model, Proof, SecurityLevel, Settings, Trace,
    VerifierKey,
};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use zkml_ir::graph::{Graph, Params, Port};
use zkml_ir::lang::{elaborate, Module};
use zkml_ir::tensor::IntTensor;

/// A model, as `#[zk_model]` implements it.
pub trait ZkModel {
    const NAME: &'static str;
    /// The symbolic form, for [`Module::decode`].
    const IR: &'static [u8];

    /// The model's components at these dimensions, one for each op, in order.
    fn register(dims: &[(&'static str, usize)]) -> Result<Vec<Component>, Error>;

    /// Every witness column for these inputs.
    fn generate_trace(&self, inputs: &[IntTensor]) -> Result<Trace, Error>;
}

/// A model's IR, or the empty one of a model whose second phase never ran because a callee was not found: then rustc
/// reports that callee, and a missing `ZkModel` beside it would be noise. Method lookup prefers the first trait, which
/// needs one reference less.
pub struct Ir<M>(PhantomData<M>);

impl<M> Ir<M> {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

pub trait Expanded {
    fn ir(&self) -> &'static [u8];
}

impl<M: ZkModel> Expanded for Ir<M> {
    fn ir(&self) -> &'static [u8] {
        M::IR
    }
}

pub trait Unexpanded {
    fn ir(&self) -> &'static [u8];
}

impl<M> Unexpanded for &Ir<M> {
    fn ir(&self) -> &'static [u8] {
        &[]
    }
}

/// The struct of a model's weights.
pub trait HasWeights {
    type Weights: WeightSet;
}

fn graph(ir: &[u8], dims: &[(&'static str, usize)]) -> Result<Graph, Error> {
    let module = Module::decode(ir)?;
    let dims: Vec<_> = dims.iter().map(|(n, v)| (n.to_string(), *v)).collect();
    elaborate(&module, &dims).map_err(Error::Dims)
}

pub fn register(ir: &[u8], dims: &[(&'static str, usize)]) -> Result<Vec<Component>, Error> {
    Ok(engine::register(&graph(ir, dims)?)?)
}

pub fn generate_trace(model: &Model, inputs: &[IntTensor]) -> Result<Trace, Error> {
    check_inputs(model.graph(), &inputs.iter().collect::<Vec<_>>())?;
    Ok(model.generate_trace(inputs)?)
}

/// A model elaborated for some dimensions.
#[derive(Clone, Debug)]
pub struct Instance {
    graph: Arc<Graph>,
    settings: Settings,
}

impl Instance {
    pub fn new(ir: &[u8], dims: &[(&'static str, usize)]) -> Result<Self, Error> {
        Ok(Self::of_graph(graph(ir, dims)?))
    }

    /// The model of a graph.
    pub fn of_graph(graph: Graph) -> Self {
        Self { graph: Arc::new(graph), settings: Settings::default() }
    }

    /// The same model, set up for proofs of this level.
    pub fn at_level(mut self, level: SecurityLevel) -> Self {
        self.settings.level = level;
        self
    }

    /// The same model, set up and proven there.
    pub fn on(mut self, backend: Backend) -> Self {
        self.settings.backend = backend;
        self
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn level(&self) -> SecurityLevel {
        self.settings.level
    }

    /// Weights in the graph's order; all that is wrong with them at once.
    fn arrange(&self, weights: &[(&str, &dyn WeightSet)]) -> Result<Vec<IntTensor>, Error> {
        let mut named = NamedTensors::new();
        weights.iter().for_each(|(path, set)| set.collect(path, &mut named));
        self.arrange_named(named)
    }

    fn arrange_named(&self, mut named: NamedTensors) -> Result<Vec<IntTensor>, Error> {
        let mut problems = vec![];
        let mut out = vec![];
        for w in &self.graph.weights {
            let expected = &self.graph.ty(w.node).shape;
            let name = w.name.clone();
            match named.remove(&name) {
                Some(t) if t.shape() == expected => out.push(t),
                Some(t) => problems.push(WeightProblem::Shape {
                    name,
                    expected: expected.clone(),
                    got: t.shape().clone(),
                }),
                None => problems.push(WeightProblem::Missing { name, expected: expected.clone() }),
            }
        }
        problems.extend(named.into_keys().map(|name| WeightProblem::Unused { name }));
        if problems.is_empty() {
            Ok(out)
        } else {
            Err(Error::Weights(problems))
        }
    }

    pub fn run<O>(
        &self,
        inputs: &[&IntTensor],
        weights: &[(&str, &dyn WeightSet)],
        params: &Params,
        read: impl FnOnce(Results) -> O,
    ) -> Result<O, Error> {
        Ok(read(Results::new(self.outputs(inputs, weights, params)?)))
    }

    /// The plain integers, no proof.
    pub fn outputs(
        &self,
        inputs: &[&IntTensor],
        weights: &[(&str, &dyn WeightSet)],
        params: &Params,
    ) -> Result<Vec<IntTensor>, Error> {
        check_inputs(&self.graph, inputs)?;
        let weights = self.arrange(weights)?;
        Ok(engine::run(&self.graph, &weights, params, &owned(inputs))?)
    }

    pub fn setup(&self, weights: &impl WeightSet, params: Params) -> Result<Model, Error> {
        let weights = self.arrange(&[("", weights)])?;
        Ok(Model::with(Graph::clone(&self.graph), weights, params, self.settings.clone())?)
    }

    /// As [`Instance::setup`], without a copy of the weights.
    pub fn setup_named(&self, weights: NamedTensors, params: Params) -> Result<Model, Error> {
        let weights = self.arrange_named(weights)?;
        Ok(Model::with(Graph::clone(&self.graph), weights, params, self.settings.clone())?)
    }

    pub fn load(&self, path: &Path) -> Result<Model, Error> {
        Ok(Model::load_with(Graph::clone(&self.graph), path, self.settings.clone())?)
    }

    pub fn calibrate(&self, weights: &FloatWeights, samples: &[Vec<FloatTensor>]) -> Result<Model, Error> {
        Ok(Model::calibrate_with(Graph::clone(&self.graph), weights, samples, self.settings.clone())?)
    }

    /// `None` stands for a private input. Keys of proven levels are taken, and those of this instance's own level.
    pub fn verify(
        &self,
        key: &VerifierKey,
        inputs: &[Option<&IntTensor>],
        outputs: &[&IntTensor],
        proof: &Proof,
    ) -> Result<(), Error> {
        let g = &self.graph;
        for (port, t) in g.inputs.iter().zip(inputs) {
            t.map_or(Ok(()), |t| check_port(g, port, t))?;
        }
        g.outputs.iter().zip(outputs).try_for_each(|(port, t)| check_port(g, port, t))?;
        let inputs: Vec<_> = inputs.iter().map(|t| t.cloned()).collect();
        Ok(engine::verify_at(self.settings.level.into(), g, key, &inputs, &owned(outputs), proof)?)
    }
}

pub fn run_model<O>(
    model: &Model,
    inputs: &[&IntTensor],
    read: impl FnOnce(Results) -> O,
) -> Result<O, Error> {
    check_inputs(model.graph(), inputs)?;
    Ok(read(Results::new(model.run(&owned(inputs))?)))
}

pub fn prove<O>(
    model: &Model,
    inputs: &[&IntTensor],
    read: impl FnOnce(Results) -> O,
) -> Result<(O, Proof), Error> {
    check_inputs(model.graph(), inputs)?;
    let (outputs, proof) = model.prove(&owned(inputs))?;
    Ok((read(Results::new(outputs)), proof))
}

pub fn save(model: &Model, path: &Path) -> Result<(), Error> {
    Ok(model.save(path)?)
}

fn owned(tensors: &[&IntTensor]) -> Vec<IntTensor> {
    tensors.iter().map(|t| (*t).clone()).collect()
}

pub(crate) fn check_inputs(graph: &Graph, inputs: &[&IntTensor]) -> Result<(), Error> {
    let ports = &graph.inputs;
    if ports.len() != inputs.len() {
        return Err(Error::InputCount { expected: ports.len(), got: inputs.len() });
    }
    ports.iter().zip(inputs).try_for_each(|(port, t)| check_port(graph, port, t))
}

fn check_port(graph: &Graph, port: &Port, t: &IntTensor) -> Result<(), Error> {
    let expected = &graph.ty(port.node).shape;
    if t.shape() == expected {
        return Ok(());
    }
    Err(Error::Shape { name: port.name.clone(), expected: expected.clone(), got: t.shape().clone() })
}
