//! A model's weights on the device, committed once for all proofs.

use super::{failed, DeviceProver};
use crate::cells::columns;
use crate::commit::Committed;
use crate::{CudaError, DeviceCells};
use std::sync::Arc;
use zkml_ir::layout::Tree;
use zkml_ir::tensor::IntTensor;
use zkml_runtime::protocol::{weight_cells, Key, ProveError, System};

/// Weights as cells and as a committed tree: made once, borrowed by every proof.
#[derive(Clone)]
pub struct DeviceWeights {
    /// By the model's weights.
    pub(super) cells: Arc<Vec<DeviceCells>>,
    pub(super) tree: Arc<Committed>,
    key: Key,
}

impl DeviceWeights {
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The same tree under another system that lays the weights out alike.
    ///
    /// # Panics
    /// If it does not.
    pub fn under(&self, own: &System, other: &System) -> Self {
        assert_eq!(own.weight_placements(), other.weight_placements(), "one tree, two layouts");
        Self { key: Key { digest: other.digest().0, ..self.key.clone() }, ..self.clone() }
    }
}

/// Commits a model's weights, given by the model's weight index: the key is the one of
/// [`zkml_runtime::protocol::commit_weights`].
///
/// Memory on the device: a byte or four for a weight, and twelve for its column and its extension at blow-up 2.
pub fn commit_weights(prover: &DeviceProver, weights: &[IntTensor]) -> Result<DeviceWeights, ProveError> {
    let _span = tracing::info_span!("commit weights").entered();
    let (system, device) = (&prover.system, &prover.device);
    let (by_tensor, cells) = weight_cells(system, weights);
    let commit = || -> Result<(Vec<DeviceCells>, Committed), CudaError> {
        let cells: Vec<DeviceCells> =
            cells.iter().map(|c| DeviceCells::upload(device, c)).collect::<Result<_, _>>()?;
        let columns = columns(device, system.layout(), Tree::Weights, |t| &cells[by_tensor[t]], &[])?;
        let tree = prover.committer.commit(device, columns)?;
        Ok((cells, tree))
    };
    let (cells, tree) = commit().map_err(failed)?;
    let key = Key {
        root: tree.root.0,
        columns: system.layout().columns_of(Tree::Weights),
        digest: system.digest().0,
    };
    Ok(DeviceWeights { cells: Arc::new(cells), tree: Arc::new(tree), key })
}
