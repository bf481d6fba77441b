//! A run whose cells and trees are on the device.

use super::lookups::{lookups, table_blocks, tables};
use super::{DeviceProver, DeviceWeights, Entries};
use crate::cells::columns;
use crate::commit::Committed;
use crate::einsum::DeviceProducts;
use crate::opening::DeviceColumns;
use crate::trace::count;
use crate::{gkr, CudaError, DeviceCells};
use cudarc::driver::CudaSlice;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sMerkleChannel;
use zkml_ir::layout::Tree;
use zkml_ir::plan::Source;
use zkml_runtime::claims::PublicValues;
use zkml_runtime::einsum::{prove_products, EinsumError, EinsumPoint, EinsumProof};
use zkml_runtime::field::F;
use zkml_runtime::gkr::{GkrClaims, GkrError, GkrProof};
use zkml_runtime::pcs::{prove_columns, Group, OpeningProof};
use zkml_runtime::protocol::{Fingerprint, ProveError, Run};
use zkml_runtime::transcript::Transcript;

/// Cells of all tensors, and the trees over what a run commits to.
pub(super) struct DeviceRun<'a> {
    prover: &'a DeviceProver,
    weights: &'a DeviceWeights,
    /// Of every tensor but weights and constants.
    own: Vec<Option<DeviceCells>>,
    /// Of all lookups, once they were needed.
    entries: Option<Entries>,
    multiplicities: Vec<CudaSlice<u32>>,
    private: Option<Committed>,
    trace: Committed,
}

/// How often the rows of tables are looked up.
pub(super) enum Counts<'a> {
    Known(Vec<CudaSlice<u32>>),
    /// To be counted; tuples that are no rows are counted as failures.
    Unknown {
        failed: &'a CudaSlice<u32>,
    },
}

impl<'a> DeviceRun<'a> {
    /// Of the cells of the trace and of private inputs.
    pub fn new(
        prover: &'a DeviceProver,
        weights: &'a DeviceWeights,
        public: &PublicValues,
        mut own: Vec<Option<DeviceCells>>,
        counts: Counts<'_>,
    ) -> Result<Self, CudaError> {
        let (system, device) = (&prover.system, &prover.device);
        let (plan, layout) = (system.plan(), system.layout());
        tracing::info_span!("public").in_scope(|| prover.add_public(public, &mut own))?;
        let cells = |t: usize| cells_of(prover, weights, &own, t);
        let (entries, multiplicities) = match counts {
            Counts::Known(multiplicities) => (None, multiplicities),
            Counts::Unknown { failed } => {
                let span = tracing::info_span!("entries").entered();
                let entries = Entries::new(device, plan, cells)?;
                drop(span);
                let _span = tracing::info_span!("count").entered();
                let counted = count(device, plan, &entries, cells, failed)?;
                (Some(entries), counted.expect("a tracer is made for tables with formulas"))
            }
        };
        let _span = tracing::info_span!("commit").entered();
        let commit = |tree: Tree| {
            prover.committer.commit(device, columns(device, layout, tree, cells, &multiplicities)?)
        };
        let private = system.has_private().then(|| commit(Tree::Private)).transpose()?;
        let trace = commit(Tree::Trace)?;
        Ok(Self { prover, weights, own, entries, multiplicities, private, trace })
    }

    fn cells(&self, tensor: usize) -> &DeviceCells {
        cells_of(self.prover, self.weights, &self.own, tensor)
    }
}

pub(crate) fn cells_of<'c>(
    prover: &'c DeviceProver,
    weights: &'c DeviceWeights,
    own: &'c [Option<DeviceCells>],
    tensor: usize,
) -> &'c DeviceCells {
    match prover.system.plan().tensors[tensor].source {
        Source::Weight(i) => &weights.cells[i],
        Source::Constant(_) => prover.constants[tensor].as_ref().expect("constants have cells"),
        _ => own[tensor].as_ref().expect("every tensor has values"),
    }
}

impl Run<Blake2sMerkleChannel> for DeviceRun<'_> {
    fn roots(&self) -> (Option<Blake2sHash>, Blake2sHash) {
        (self.private.as_ref().map(|tree| tree.root), self.trace.root)
    }

    fn look_up(
        &mut self,
        t: &mut Transcript,
        prints: &Fingerprint,
    ) -> Result<(GkrProof, GkrClaims), ProveError> {
        let (plan, device) = (self.prover.system.plan(), &self.prover.device);
        let failed = |e: CudaError| GkrError::Device(e.to_string());
        let entries = match self.entries.take() {
            Some(entries) => entries,
            None => tracing::info_span!("entries")
                .in_scope(|| Entries::new(device, plan, |t| self.cells(t)))
                .map_err(failed)?,
        };
        let leaves = lookups(plan, prints, &entries, |t| self.cells(t));
        let blocks: Vec<gkr::Block<'_>> = leaves.iter().map(|l| l.block()).collect();
        let tables = tables(self.prover, prints, &self.multiplicities);
        Ok(gkr::prove(device, t, &blocks, &table_blocks(&tables))?)
    }

    fn multiply(&mut self, t: &mut Transcript) -> Result<(EinsumProof, EinsumPoint), ProveError> {
        let (plan, device) = (self.prover.system.plan(), &self.prover.device);
        let proven = prove_products(t, plan, |shape, pools, scales| {
            DeviceProducts::fold(device, plan, shape, pools, scales, |t| self.cells(t))
                .map_err(|e| EinsumError::Device(e.to_string()))
        });
        Ok(proven?)
    }

    fn open(&mut self, t: &mut Transcript, groups: &[Group], claim: F) -> Result<OpeningProof, ProveError> {
        let DeviceProver { system, device, committer, .. } = self.prover;
        let trees: Vec<&Committed> = [Some(&*self.weights.tree), self.private.as_ref(), Some(&self.trace)]
            .into_iter()
            .flatten()
            .collect();
        let mut columns = DeviceColumns::new(device, committer, &trees);
        Ok(prove_columns::<Blake2sMerkleChannel>(t, system.params(), &mut columns, groups, claim)?)
    }
}
