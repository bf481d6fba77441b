//! The trees of LogUp's argument on the device: [`zkml_runtime::gkr`] says what they are, and runs the protocol over them.
//!
//! * `blocks`: leaves from columns; `tree`: layers up to the root; `arrays`: a layer's sumcheck; `eq`: its weights;
//! * `host`: short layers, which the CPU is quicker with than a launch.

mod arrays;
mod blocks;
mod eq;
mod host;
mod tree;

pub use blocks::{Block, TableBlock};
pub use tree::DeviceTree;

use crate::{CudaError, Device, Kernels};
use zkml_runtime::gkr::{prove_trees, GkrClaims, GkrError, GkrProof, GkrShape, Tree};
use zkml_runtime::transcript::Transcript;

pub(crate) const KERNELS: Kernels = Kernels { file: "gkr.cu", source: include_str!("../../kernels/gkr.cu") };

/// Leaves of a vector, and how many bits of a leaf's index count them.
pub(crate) const LANES: usize = 16;
pub(crate) const LOG_LANES: u32 = 4;
/// Layers of at most two to this many vectors are the host's.
pub(crate) const LOG_HOST: u32 = 6;

/// As [`zkml_runtime::gkr::prove`], with columns and trees on the device; the proof is the same.
///
/// Memory: about 52 bytes for a lookup, on top of the columns.
pub fn prove(
    device: &Device,
    t: &mut Transcript,
    lookups: &[Block<'_>],
    tables: &[TableBlock<'_>],
) -> Result<(GkrProof, GkrClaims), GkrError> {
    let shape =
        GkrShape::of_blocks(lookups.iter().map(|b| b.log_len), tables.iter().map(|b| b.leaves.log_len))?;
    check_columns(Tree::Lookups, lookups.iter().map(|b| (b, None)))?;
    check_columns(Tree::Tables, tables.iter().map(|b| (&b.leaves, Some(b.multiplicity.len()))))?;
    let [log_lookups, log_tables] = shape.log_leaves()?;
    let trees = || -> Result<_, CudaError> {
        Ok((
            DeviceTree::lookups(device, lookups, log_lookups)?,
            DeviceTree::tables(device, tables, log_tables)?,
        ))
    };
    let (lookups, tables) = tracing::info_span!("trees").in_scope(trees).map_err(failed)?;
    prove_trees(t, &shape, lookups, tables)
}

/// Every column, and the multiplicities of a table, have a value for each leaf.
fn check_columns<'b>(
    tree: Tree,
    blocks: impl Iterator<Item = (&'b Block<'b>, Option<usize>)>,
) -> Result<(), GkrError> {
    for (block, (leaves, multiplicity)) in blocks.enumerate() {
        let expected = 1u64 << leaves.log_len;
        let lengths = leaves.columns.iter().map(|(_, column)| column.len()).chain(multiplicity);
        if let Some(got) = lengths.map(|n| n as u64).find(|&n| n != expected) {
            return Err(GkrError::ColumnLength { tree, block, expected, got });
        }
    }
    Ok(())
}

pub(crate) fn failed(e: CudaError) -> GkrError {
    GkrError::Device(e.to_string())
}
