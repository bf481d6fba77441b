//! Where proofs are made.

use super::{memory, Error, SecurityLevel};
use zkml_ir::exec;
use zkml_ir::graph::{Graph, Params};
use zkml_ir::lower::Lowered;
use zkml_ir::tensor::IntTensor;
use zkml_runtime::protocol::{self, CommittedWeights, Key, Proof, Prover, Statement, System, Witness};

#[cfg(feature = "cuda")]
use std::sync::Arc;
#[cfg(feature = "cuda")]
use zkml_cuda::{
    prover::{self as cuda, DeviceProver, DeviceWeights},
    trace::{TraceError, Tracer},
    CudaError, Device,
};

/// Where a model's weights are kept and its proofs are made. All backends make the same proofs.
#[derive(Clone, Debug, Default)]
pub enum Backend {
    /// The CPU's threads.
    #[default]
    Cpu,
    /// An NVIDIA GPU. Weights, trace and trees stay on it; the model itself runs on the CPU.
    #[cfg(feature = "cuda")]
    Cuda(Arc<Device>),
}

impl Backend {
    /// The first NVIDIA GPU if there is one that can be used, and the CPU otherwise.
    pub fn auto() -> Self {
        #[cfg(feature = "cuda")]
        match Device::open(0) {
            Ok(device) => return Self::Cuda(Arc::new(device)),
            Err(why) => tracing::debug!("proving on the CPU: {why}"),
        }
        Self::Cpu
    }

    /// The NVIDIA GPU of this number. An error says what is missing: driver, compiler or card.
    #[cfg(feature = "cuda")]
    pub fn cuda(ordinal: usize) -> Result<Self, Error> {
        Ok(Self::Cuda(Arc::new(Device::open(ordinal)?)))
    }

    /// `cpu` or `cuda`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            #[cfg(feature = "cuda")]
            Self::Cuda(_) => "cuda",
        }
    }
}

/// How a model is set up: for proofs of which level, and where.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub level: SecurityLevel,
    pub backend: Backend,
}

impl From<SecurityLevel> for Settings {
    fn from(level: SecurityLevel) -> Self {
        Self { level, ..Self::default() }
    }
}

impl From<Backend> for Settings {
    fn from(backend: Backend) -> Self {
        Self { backend, ..Self::default() }
    }
}

/// A model as it was set up.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub graph: &'a Graph,
    pub lowered: &'a Lowered,
    pub params: &'a Params,
    pub weights: &'a [IntTensor],
}

impl<'a> Source<'a> {
    #[cfg(feature = "cuda")]
    fn on_device(self) -> zkml_cuda::trace::Source<'a> {
        let Self { graph, lowered, params, weights } = self;
        zkml_cuda::trace::Source { graph, lowered, params, weights }
    }

    /// All witness columns of one run, and its outputs.
    pub fn trace(self, inputs: &[IntTensor]) -> Result<exec::Witness, Error> {
        let _span = tracing::info_span!("trace").entered();
        Ok(exec::trace(self.graph, self.lowered, self.params, self.weights, inputs)?)
    }
}

/// A system with its committed weights, on a backend.
pub(super) enum Engine {
    Cpu {
        prover: Prover,
        weights: CommittedWeights,
    },
    #[cfg(feature = "cuda")]
    Cuda {
        prover: DeviceProver,
        weights: DeviceWeights,
        /// Of the model itself, if all of its tables can be counted on the device.
        tracer: Option<Tracer>,
    },
}

impl Engine {
    /// Commits the weights.
    pub fn new(backend: &Backend, system: System, source: Source<'_>) -> Result<Self, Error> {
        let weights = source.weights;
        Ok(match backend {
            Backend::Cpu => {
                let prover = Prover::new(system)?;
                let weights = protocol::commit_weights(&prover, weights, &memory::store(&prover.system))?;
                Self::Cpu { prover, weights }
            }
            #[cfg(feature = "cuda")]
            Backend::Cuda(device) => {
                let prover = DeviceProver::new(device.clone(), system)?;
                let weights = cuda::commit_weights(&prover, weights)?;
                let tracer = Tracer::new(device, source.on_device())?;
                Self::Cuda { prover, weights, tracer }
            }
        })
    }

    pub fn system(&self) -> &System {
        match self {
            Self::Cpu { prover, .. } => &prover.system,
            #[cfg(feature = "cuda")]
            Self::Cuda { prover, .. } => &prover.system,
        }
    }

    pub fn key(&self) -> &Key {
        match self {
            Self::Cpu { weights, .. } => weights.key(),
            #[cfg(feature = "cuda")]
            Self::Cuda { weights, .. } => weights.key(),
        }
    }

    /// Runs the model, and proves the run.
    pub fn run(&self, source: Source<'_>, inputs: &[IntTensor]) -> Result<(Statement, Proof), Error> {
        #[cfg(feature = "cuda")]
        if let Self::Cuda { prover, weights, tracer: Some(tracer) } = self {
            return Ok(cuda::run(prover, weights, tracer, source.on_device(), inputs)?);
        }
        let trace = source.trace(inputs)?;
        let statement = Statement::of_run(source.graph, inputs, trace.outputs);
        let witness = Witness { tensors: trace.tensors, multiplicities: trace.multiplicities };
        let proof = self.prove(&statement, witness)?;
        Ok((statement, proof))
    }

    pub fn prove(&self, statement: &Statement, witness: Witness) -> Result<Proof, Error> {
        Ok(match self {
            Self::Cpu { prover, weights } => protocol::prove(prover, weights, statement, witness)?,
            #[cfg(feature = "cuda")]
            Self::Cuda { prover, weights, .. } => cuda::prove(prover, weights, statement, witness)?,
        })
    }

    /// The same weights under another system that lays them out alike.
    pub fn under(&self, system: System) -> Result<Self, Error> {
        Ok(match self {
            Self::Cpu { prover, weights } => {
                let weights = weights.under(&prover.system, &system);
                Self::Cpu { prover: prover.with(system), weights }
            }
            #[cfg(feature = "cuda")]
            Self::Cuda { prover, weights, .. } => {
                let weights = weights.under(&prover.system, &system);
                Self::Cuda { prover: prover.with(system)?, weights, tracer: None }
            }
        })
    }
}

#[cfg(feature = "cuda")]
impl From<TraceError> for Error {
    fn from(e: TraceError) -> Self {
        match e {
            TraceError::Run(e) => e.into(),
            TraceError::Prove(e) => e.into(),
            TraceError::Device(e) => e.into(),
        }
    }
}

#[cfg(feature = "cuda")]
impl From<CudaError> for Error {
    fn from(e: CudaError) -> Self {
        Self::Device(e.to_string())
    }
}
