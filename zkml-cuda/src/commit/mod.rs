//! Commitments to columns on the device: the roots are those of [`zkml_runtime::pcs::commit`].
//!
//! * `transform`: low-degree extension by the circle FFT; `merkle`: the tree over its rows.

mod merkle;
mod transform;

pub use merkle::{Hash, MerkleTree};
pub use transform::Transform;

use crate::{CudaError, Device, Kernels};
use cudarc::driver::CudaSlice;
use zkml_runtime::pcs::Params;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "commit.cu", source: include_str!("../../kernels/commit.cu") };

/// Columns, their extensions and the tree over these, all on the device.
pub struct Committed {
    /// Words of the base field, column after column.
    pub columns: CudaSlice<u32>,
    pub extension: CudaSlice<u32>,
    pub tree: MerkleTree,
}

/// What every commitment under the same parameters shares.
pub struct Committer {
    params: Params,
    transform: Transform,
}

impl Committer {
    pub fn new(device: &Device, params: Params) -> Result<Self, CudaError> {
        let transform = Transform::new(device, params.log_rows, params.log_domain())?;
        Ok(Self { params, transform })
    }

    /// Commits to columns of `2^b` canonic words each.
    ///
    /// Memory: at blow-up 2 twelve bytes a cell, the columns included, and 64 bytes for a row of the extension.
    pub fn commit(&self, device: &Device, columns: CudaSlice<u32>) -> Result<Committed, CudaError> {
        let _span = tracing::info_span!("commit").entered();
        let rows = 1usize << self.params.log_rows;
        let n = columns.len() / rows;
        if n == 0 || columns.len() != n * rows {
            return Err(CudaError::Columns { expected: n.max(1) * rows, got: columns.len() });
        }
        let extension = self.transform.extend(device, &columns, n)?;
        let tree = MerkleTree::new(device, &extension, n, self.params.log_domain())?;
        Ok(Committed { columns, extension, tree })
    }
}
