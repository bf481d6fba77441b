//! Whole proofs on the device: [`zkml_runtime::protocol`] runs the protocol over a run that is kept there.
//!
//! * `weights`: a model's weights, committed to once; `run`: cells of all tensors, what a run commits to, its arguments;
//! * `public`: what the verifier knows; `lookups`: blocks of leaves; `memory`: what all of it takes.

mod lookups;
mod memory;
mod public;
mod run;
mod weights;

pub(crate) use lookups::Entries;
pub use weights::{commit_weights, DeviceWeights};

use crate::commit::Committer;
use crate::trace::{check, DeviceTrace, Source, TraceError, Tracer};
use crate::{CudaError, Device, DeviceCells};
use cudarc::driver::CudaSlice;
pub(crate) use run::cells_of;
use run::{Counts, DeviceRun};
use std::sync::Arc;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sMerkleChannel;
use zkml_ir::tensor::IntTensor;
use zkml_runtime::cells::Cells;
use zkml_runtime::claims::PublicValues;
use zkml_runtime::protocol::{prove_run, run_cells, Proof, ProveError, Statement, System, Witness};
use zkml_runtime::transcript::Transcript;

/// A system with what all of its proofs share on a device.
pub struct DeviceProver {
    pub system: System,
    device: Arc<Device>,
    committer: Arc<Committer>,
    /// The columns of every table.
    tables: Vec<Vec<CudaSlice<u32>>>,
    /// By the plan's tensors, cells of the model's constants.
    constants: Vec<Option<DeviceCells>>,
}

impl DeviceProver {
    pub fn new(device: Arc<Device>, system: System) -> Result<Self, CudaError> {
        let committer = Arc::new(Committer::new(&device, *system.params())?);
        Self::over(device, committer, system)
    }

    /// Another system over columns of the same height and level, with what was precomputed for this one.
    ///
    /// # Panics
    /// If its columns are others.
    pub fn with(&self, system: System) -> Result<Self, CudaError> {
        assert_eq!(system.params(), self.committer.params(), "one committer, two shapes of columns");
        Self::over(self.device.clone(), self.committer.clone(), system)
    }

    fn over(device: Arc<Device>, committer: Arc<Committer>, system: System) -> Result<Self, CudaError> {
        let upload = |t: usize| {
            let columns = system.table_columns(t).iter();
            columns.map(|c| device.upload("a table", &c.iter().map(|v| v.0).collect::<Vec<u32>>())).collect()
        };
        let tables = (0..system.plan().tables.len()).map(upload).collect::<Result<_, _>>()?;
        let constants = public::constants(&device, system.plan())?;
        Ok(Self { system, device, committer, tables, constants })
    }

    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }
}

/// As [`zkml_runtime::protocol::prove`], on the device; the proof is the same.
///
/// The witness and the public values are uploaded; what comes back is the proof.
pub fn prove(
    prover: &DeviceProver,
    weights: &DeviceWeights,
    statement: &Statement,
    witness: Witness,
) -> Result<Proof, ProveError> {
    let _span = tracing::info_span!("prove").entered();
    memory::require(&prover.device, "a proof", memory::proof(&prover.system)).map_err(failed)?;
    let public = statement.values(&prover.system)?;
    let Witness { tensors, multiplicities } = witness;
    let upload = || -> Result<_, CudaError> {
        let _span = tracing::info_span!("upload").entered();
        let cells = run_cells(prover.system.plan(), tensors);
        let upload =
            |c: &Option<Cells>| c.as_ref().map(|c| DeviceCells::upload(&prover.device, c)).transpose();
        let multiplicities = multiplicities.iter().map(|m| prover.device.upload("multiplicities", m));
        Ok((cells.iter().map(upload).collect::<Result<_, _>>()?, multiplicities.collect::<Result<_, _>>()?))
    };
    let (cells, multiplicities) = upload().map_err(failed)?;
    let counts = Counts::Known(multiplicities);
    let run = DeviceRun::new(prover, weights, &public, cells, counts).map_err(failed)?;
    prove_it(prover, weights, statement, &public, run)
}

/// Runs a model, and proves the run: what [`zkml_ir::exec::trace`] and [`prove`] give. Inputs are uploaded, outputs and the
/// proof come back.
pub fn run(
    prover: &DeviceProver,
    weights: &DeviceWeights,
    tracer: &Tracer,
    source: Source<'_>,
    inputs: &[IntTensor],
) -> Result<(Statement, Proof), TraceError> {
    memory::require(&prover.device, "a proof", memory::proof(&prover.system))?;
    let trace =
        tracing::info_span!("trace").in_scope(|| tracer.run(&prover.device, weights, source, inputs))?;
    let _span = tracing::info_span!("prove").entered();
    let DeviceTrace { cells, outputs, failed } = trace;
    let statement = Statement::of_run(source.graph, inputs, outputs);
    let public = statement.values(&prover.system).map_err(ProveError::from)?;
    let run = DeviceRun::new(prover, weights, &public, cells, Counts::Unknown { failed: &failed })?;
    check(&prover.device, &failed, source, inputs)?;
    let proof = prove_it(prover, weights, &statement, &public, run)?;
    Ok((statement, proof))
}

fn prove_it(
    prover: &DeviceProver,
    weights: &DeviceWeights,
    statement: &Statement,
    public: &PublicValues,
    mut run: DeviceRun<'_>,
) -> Result<Proof, ProveError> {
    let t = Transcript::default();
    prove_run::<Blake2sMerkleChannel>(t, &prover.system, weights.key(), statement, public, &mut run)
}

fn failed(e: CudaError) -> ProveError {
    ProveError::Device(e.to_string())
}
