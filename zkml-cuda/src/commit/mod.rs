//! Commitments to columns on the device: the roots are those of [`zkml_runtime::pcs::commit`].
//!
//! * `transform`: low-degree extension by the circle FFT; `layers`: the FFT on other domains, `domains`: which they are;
//! * `merkle`: the tree over an extension's rows.

mod domains;
mod layers;
mod merkle;
mod transform;

pub(crate) use domains::Domains;
pub use layers::{evaluate, interpolate};
pub use merkle::{Hash, MerkleTree};
pub use transform::Transform;

use crate::{CudaError, Device, Kernels};
use cudarc::driver::CudaSlice;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use zkml_runtime::pcs::Params;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "commit.cu", source: include_str!("../../kernels/commit.cu") };

/// Columns, their extensions and the tree over these, all on the device.
pub struct Committed {
    /// Words of the base field, column after column.
    pub columns: CudaSlice<u32>,
    pub extension: CudaSlice<u32>,
    pub tree: MerkleTree,
    pub root: Blake2sHash,
}

/// What every commitment under the same parameters shares.
pub struct Committer {
    params: Params,
    pub(crate) transform: Transform,
    pub(crate) domains: Domains,
}

impl Committer {
    pub fn new(device: &Device, params: Params) -> Result<Self, CudaError> {
        let transform = Transform::new(device, params.log_rows, params.log_domain())?;
        Ok(Self { params, transform, domains: Domains::new(device, &params)? })
    }

    pub fn params(&self) -> &Params {
        &self.params
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
        self.committed(device, columns, extension)
    }

    /// The tree over columns that are extended already.
    pub(crate) fn committed(
        &self,
        device: &Device,
        columns: CudaSlice<u32>,
        extension: CudaSlice<u32>,
    ) -> Result<Committed, CudaError> {
        let log_domain = self.params.log_domain();
        let tree = MerkleTree::new(device, &extension, extension.len() >> log_domain, log_domain)?;
        let root = tree.root(device)?.into();
        Ok(Committed { columns, extension, tree, root })
    }
}
