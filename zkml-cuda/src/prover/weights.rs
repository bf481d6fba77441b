//! A model's weights on the device, committed once for all proofs.

use super::{failed, memory, DeviceProver};
use crate::cells::columns;
use crate::commit::Committed;
use crate::{CudaError, Device, DeviceCells};
use std::sync::Arc;
use zkml_ir::layout::Tree;
use zkml_ir::plan::Space;
use zkml_ir::tensor::{Data, IntTensor};
use zkml_runtime::protocol::{weight_cells, Key, ProveError, System};

/// Weights as cells and as a committed tree: made once, borrowed by every proof.
#[derive(Clone)]
pub struct DeviceWeights {
    /// By the model's weights.
    pub(super) cells: Arc<Vec<DeviceCells>>,
    /// Row-major, of those whose cells lie in another order.
    rows: Arc<Vec<Option<DeviceCells>>>,
    pub(super) tree: Arc<Committed>,
    key: Key,
}

impl DeviceWeights {
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The integers of a weight, row-major.
    pub(crate) fn rows(&self, weight: usize) -> &DeviceCells {
        self.rows[weight].as_ref().unwrap_or(&self.cells[weight])
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
/// Memory on the device: a byte or four for a weight, once more where it does not lie row by row, and twelve for its column and its extension at blow-up 2.
pub fn commit_weights(prover: &DeviceProver, weights: &[IntTensor]) -> Result<DeviceWeights, ProveError> {
    let _span = tracing::info_span!("commit weights").entered();
    let (system, device) = (&prover.system, &prover.device);
    memory::require(device, "committing the weights", memory::weights(system)).map_err(failed)?;
    let (by_tensor, cells) = weight_cells(system, weights);
    let mut spaces = vec![None; weights.len()];
    for (decl, &weight) in system.plan().tensors.iter().zip(&by_tensor).filter(|(_, &w)| w < weights.len()) {
        spaces[weight] = Some(&decl.axes);
    }
    let rows = || -> Result<Vec<Option<DeviceCells>>, CudaError> {
        let rows = |(w, space): (&IntTensor, &Option<&Space>)| match space.is_some_and(|s| s.slabs() > 1) {
            true => row_major(device, w).map(Some),
            false => Ok(None),
        };
        weights.iter().zip(&spaces).map(rows).collect()
    };
    let rows = rows().map_err(failed)?;
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
    Ok(DeviceWeights { cells: Arc::new(cells), rows: Arc::new(rows), tree: Arc::new(tree), key })
}

fn row_major(device: &Device, weight: &IntTensor) -> Result<DeviceCells, CudaError> {
    Ok(match weight.data() {
        Data::I8(v) => DeviceCells::I8(device.upload("a weight", v)?),
        Data::I16(v) => {
            DeviceCells::I32(device.upload("a weight", &v.iter().map(|&v| v.into()).collect::<Vec<i32>>())?)
        }
        Data::I32(v) => DeviceCells::I32(device.upload("a weight", v)?),
    })
}
