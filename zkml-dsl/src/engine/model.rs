//! A model ready to run and prove.

use super::backend::{Engine, Source};
use super::memory::{self, check_memory, Task};
use super::{Backend, CostReport, Error, Memory, Proof, Settings, VerifierKey};
use crate::weights::{load_model, resolve, save_model, FloatTensor, FloatWeights};
use std::path::Path;
use std::sync::Arc;
use zkml_ir::calibrate::{accuracy, calibrate, completeness, Accuracy};
use zkml_ir::cost;
use zkml_ir::exec;
use zkml_ir::graph::{Graph, Params};
use zkml_ir::lower::{self, Lowered};
use zkml_ir::tensor::IntTensor;
use zkml_runtime::artifact::{certificate_system, Certificate, CertificatePart, KeyData};
use zkml_runtime::protocol::{Key, Label, Statement, System, Witness};

/// Integer weights, rescales and steps, the committed weight tree, and the certificate that the weights are in range.
pub struct Model {
    graph: Arc<Graph>,
    weights: Vec<IntTensor>,
    params: Params,
    lowered: Lowered,
    backend: Backend,
    engine: Engine,
    key: VerifierKey,
    memory: Memory,
}

/// Sizes that a proof commits to, for reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    pub committed_cells: u64,
    pub weight_cells: u64,
    pub lookups: u64,
    pub columns: usize,
    pub log_rows: u32,
    /// Bits of the sum of all error terms.
    pub security_bits: f64,
}

impl Model {
    /// Sets a model up: checks that no input can leave a window, commits the weights, certifies their ranges.
    pub fn new(graph: Graph, weights: Vec<IntTensor>, params: Params) -> Result<Self, Error> {
        Self::with(graph, weights, params, Settings::default())
    }

    /// As [`Model::new`], at a level or on a backend that is not the default.
    pub fn with(
        graph: Graph,
        weights: Vec<IntTensor>,
        params: Params,
        settings: impl Into<Settings>,
    ) -> Result<Self, Error> {
        let settings = settings.into();
        let memory = memory::estimate_memory(&graph, settings.level)?;
        Self::set_up(graph, weights, params, settings, memory)
    }

    fn set_up(
        graph: Graph,
        weights: Vec<IntTensor>,
        params: Params,
        Settings { level, backend }: Settings,
        memory: Memory,
    ) -> Result<Self, Error> {
        let _span = tracing::info_span!("setup", model = %graph.name).entered();
        require(&backend, Task::Setup, memory.setup)?;
        check_weights(&graph, &weights)?;
        tracing::info_span!("bounds").in_scope(|| completeness(&graph, &params, &weights))?;
        let lowered = lower::lower(&graph, &params)?;
        let system = System::new(lowered.plan.clone(), level, Label::Inference)?;
        let source = Source { graph: &graph, lowered: &lowered, params: &params, weights: &weights };
        let engine = Engine::new(&backend, system, source)?;
        let certificate = match graph.weights.is_empty() {
            true => None,
            false => Some(certify(&graph, &engine, &weights)?),
        };
        let key = VerifierKey::new(KeyData {
            model: graph.name.clone(),
            level,
            params: params.clone(),
            key: engine.key().clone(),
        });
        let key = match certificate {
            Some(c) => key.certified(c),
            None => key,
        };
        Ok(Self { graph: Arc::new(graph), weights, params, lowered, backend, engine, key, memory })
    }

    /// Reads an integer model file and sets the model up.
    pub fn load(graph: Graph, path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::load_with(graph, path, Settings::default())
    }

    pub fn load_with(
        graph: Graph,
        path: impl AsRef<Path>,
        settings: impl Into<Settings>,
    ) -> Result<Self, Error> {
        let settings = settings.into();
        let memory = memory::estimate_memory(&graph, settings.level)?;
        require(&settings.backend, Task::Setup, memory.weights + memory.setup)?;
        let (weights, params) = load_model(path, &graph)?;
        Self::set_up(graph, weights, params, settings, memory)
    }

    /// Turns float weights into integers, with scales from sample inputs, and sets the model up.
    pub fn calibrate(
        graph: Graph,
        weights: &FloatWeights,
        samples: &[Vec<FloatTensor>],
    ) -> Result<Self, Error> {
        Self::calibrate_with(graph, weights, samples, Settings::default())
    }

    pub fn calibrate_with(
        graph: Graph,
        weights: &FloatWeights,
        samples: &[Vec<FloatTensor>],
        settings: impl Into<Settings>,
    ) -> Result<Self, Error> {
        let settings = settings.into();
        let memory = memory::estimate_memory(&graph, settings.level)?;
        require(&settings.backend, Task::Setup, memory.weights + memory.setup)?;
        let floats = resolve(&graph, weights)?;
        let (weights, params) = calibrate(&graph, &floats, samples)?;
        drop(floats);
        Self::set_up(graph, weights, params, settings, memory)
    }

    /// What the integers lose against real numbers, by layer, tensor and output. Samples that calibration has not seen
    /// tell most. Cost: one run of each model for each sample.
    pub fn accuracy(&self, weights: &FloatWeights, samples: &[Vec<FloatTensor>]) -> Result<Accuracy, Error> {
        let floats = resolve(&self.graph, weights)?;
        Ok(accuracy(&self.graph, &self.params, &self.weights, &floats, samples)?)
    }

    /// Writes the integer model file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        Ok(save_model(path, &self.graph, &self.weights, &self.params)?)
    }

    /// The model's outputs, as plain integers.
    pub fn run(&self, inputs: &[IntTensor]) -> Result<Vec<IntTensor>, Error> {
        Ok(exec::run(&self.graph, &self.params, &self.weights, inputs)?)
    }

    /// All witness columns of one run, and its outputs.
    pub fn generate_trace(&self, inputs: &[IntTensor]) -> Result<exec::Witness, Error> {
        self.source().trace(inputs)
    }

    /// Runs the model and proves the run, if there is the memory for it.
    pub fn prove(&self, inputs: &[IntTensor]) -> Result<(Vec<IntTensor>, Proof), Error> {
        require(&self.backend, Task::Proof, self.memory.prove)?;
        self.prove_unasked(inputs)
    }

    /// As [`Model::prove`], for a caller who knows how many bytes a proof may take.
    pub fn prove_within(
        &self,
        available: u64,
        inputs: &[IntTensor],
    ) -> Result<(Vec<IntTensor>, Proof), Error> {
        check_memory(Task::Proof, self.memory.prove, available)?;
        self.prove_unasked(inputs)
    }

    fn source(&self) -> Source<'_> {
        let Self { graph, lowered, params, weights, .. } = self;
        Source { graph, lowered, params, weights }
    }

    fn prove_unasked(&self, inputs: &[IntTensor]) -> Result<(Vec<IntTensor>, Proof), Error> {
        let (statement, proof) = self.engine.run(self.source(), inputs)?;
        let proof = Proof {
            model: self.graph.name.clone(),
            digest: self.engine.key().digest,
            private_inputs: proof.private_root.map(|r| r.0),
            argument: proof.to_bytes(),
        };
        Ok((statement.outputs, proof))
    }

    /// Where it proves.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    pub fn verifier_key(&self) -> VerifierKey {
        self.key.clone()
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn params(&self) -> &Params {
        &self.params
    }

    pub fn lowered(&self) -> &Lowered {
        &self.lowered
    }

    /// What the model takes, by the cost model.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What a proof costs, op by op, and about how long it takes on the reference machine ([`CostReport::on`] for others).
    pub fn cost(&self) -> Result<CostReport, Error> {
        Ok(cost::report(&self.graph)?)
    }

    pub fn figures(&self) -> Figures {
        let (system, plan) = (self.engine.system(), self.engine.system().plan());
        let weight = |s: &zkml_ir::plan::Source| matches!(s, zkml_ir::plan::Source::Weight(_));
        let weight_cells = plan.cells(weight);
        let multiplicities: u64 = plan.tables.iter().map(|t| 1u64 << t.log_rows()).sum();
        let committed =
            plan.tensors.iter().filter(|t| t.is_committed()).map(|t| t.axes.len() as u64).sum::<u64>();
        Figures {
            committed_cells: committed - weight_cells + multiplicities,
            weight_cells,
            lookups: plan.n_lookups(),
            columns: system.layout().total_columns(),
            log_rows: system.layout().log_rows,
            security_bits: system.security().sum_bits(),
        }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("name", &self.graph.name).field("figures", &self.figures()).finish()
    }
}

/// The plain integers, without a committed model.
pub fn run(
    graph: &Graph,
    weights: &[IntTensor],
    params: &Params,
    inputs: &[IntTensor],
) -> Result<Vec<IntTensor>, Error> {
    check_weights(graph, weights)?;
    Ok(exec::run(graph, params, weights, inputs)?)
}

fn check_weights(graph: &Graph, weights: &[IntTensor]) -> Result<(), Error> {
    let (expected, got) = (graph.weights.len(), weights.len());
    if expected != got {
        return Err(Error::WeightCount { model: graph.name.clone(), expected, got });
    }
    for (decl, w) in graph.weights.iter().zip(weights) {
        let ty = graph.ty(decl.node);
        let name = decl.name.clone();
        if *w.shape() != ty.shape {
            return Err(Error::WeightShape { name, expected: ty.shape.clone(), got: w.shape().clone() });
        }
        let range = ty.elem.interval();
        if let Some((index, value)) = w.first_outside(range) {
            return Err(Error::WeightRange { name, index, value, range });
        }
    }
    Ok(())
}

/// Asks for the host's memory, which the CPU's proofs need; a device says itself what it lacks.
fn require(backend: &Backend, task: Task, needed: u64) -> Result<(), Error> {
    match backend {
        Backend::Cpu => memory::require(task, needed),
        #[cfg(feature = "cuda")]
        Backend::Cuda(_) => Ok(()),
    }
}

/// Proves that the weights lie in their declared ranges, over the same tree.
fn certify(graph: &Graph, model: &Engine, weights: &[IntTensor]) -> Result<Certificate, Error> {
    let _span = tracing::info_span!("certificate").entered();
    let statement = Statement { inputs: vec![], outputs: vec![] };
    let mut parts = vec![];
    let all = lower::certificate(model.system().plan())?;
    let of = all.len();
    for (step, lowered) in all.into_iter().enumerate() {
        let _span = tracing::info_span!("part", step, of).entered();
        let system = certificate_system(lowered.plan.clone(), model.system())?;
        let trace = tracing::info_span!("trace").in_scope(|| exec::certificate_trace(&lowered, weights))?;
        let witness = Witness { tensors: trace.tensors, multiplicities: trace.multiplicities };
        let part = model.under(system)?;
        let proof = part.prove(&statement, witness)?;
        parts.push(CertificatePart { digest: part.key().digest, argument: proof.to_bytes() });
    }
    let Key { root, columns, .. } = *model.key();
    Ok(Certificate { model: graph.name.clone(), root, columns, parts })
}
