//! A run whose cells and trees are on the device.

use super::lookups::{lookups, table_blocks, tables, Entries};
use super::{DeviceProver, DeviceWeights};
use crate::cells::columns;
use crate::commit::Committed;
use crate::einsum::DeviceProducts;
use crate::opening::DeviceColumns;
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
use zkml_runtime::protocol::{run_cells, Fingerprint, ProveError, Run, Witness};
use zkml_runtime::transcript::Transcript;

/// Cells of all tensors, and the trees over what a run commits to.
pub(super) struct DeviceRun<'a> {
    prover: &'a DeviceProver,
    weights: &'a DeviceWeights,
    /// Of every tensor but the weights.
    own: Vec<Option<DeviceCells>>,
    multiplicities: Vec<CudaSlice<u32>>,
    private: Option<Committed>,
    trace: Committed,
}

impl<'a> DeviceRun<'a> {
    pub fn new(
        prover: &'a DeviceProver,
        weights: &'a DeviceWeights,
        public: &PublicValues,
        witness: Witness,
    ) -> Result<Self, CudaError> {
        let (system, device) = (&prover.system, &prover.device);
        let (plan, layout) = (system.plan(), system.layout());
        let span = tracing::info_span!("upload").entered();
        let Witness { tensors, multiplicities } = witness;
        let cells = run_cells(plan, tensors);
        let upload = |(t, own): (usize, &Option<_>)| {
            own.as_ref().or(public.get(t)).map(|cells| DeviceCells::upload(device, cells)).transpose()
        };
        let own = cells.iter().enumerate().map(upload).collect::<Result<Vec<_>, _>>()?;
        let multiplicities: Vec<CudaSlice<u32>> =
            multiplicities.iter().map(|m| device.upload("multiplicities", m)).collect::<Result<_, _>>()?;
        drop(span);

        let _span = tracing::info_span!("commit").entered();
        let commit = |tree: Tree| {
            let cells = |t: usize| cells_of(prover, weights, &own, t);
            prover.committer.commit(device, columns(device, layout, tree, cells, &multiplicities)?)
        };
        let private = system.has_private().then(|| commit(Tree::Private)).transpose()?;
        let trace = commit(Tree::Trace)?;
        Ok(Self { prover, weights, own, multiplicities, private, trace })
    }

    fn cells(&self, tensor: usize) -> &DeviceCells {
        cells_of(self.prover, self.weights, &self.own, tensor)
    }
}

fn cells_of<'c>(
    prover: &DeviceProver,
    weights: &'c DeviceWeights,
    own: &'c [Option<DeviceCells>],
    tensor: usize,
) -> &'c DeviceCells {
    match prover.system.plan().tensors[tensor].source {
        Source::Weight(i) => &weights.cells[i],
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
        let entries = tracing::info_span!("entries")
            .in_scope(|| Entries::new(device, plan, |t| self.cells(t)))
            .map_err(failed)?;
        let leaves = lookups(plan, prints, &entries);
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
