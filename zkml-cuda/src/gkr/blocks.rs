//! Leaves as linear combinations of columns that lie on the device.

use super::{KERNELS, LANES};
use crate::column::Column;
use crate::felt::Felt;
use crate::launch::{grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, CudaView, DeviceRepr};
use num_traits::{One, Zero};
use zkml_runtime::field::F;

/// `2^log_len` leaves with `den[i] = constant - sum_j weight_j * column_j[i]`.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    pub log_len: u32,
    pub constant: F,
    /// `(weight, column)`
    pub columns: Vec<(F, Column<'a>)>,
}

/// A block of the table tree: leaf i is `-multiplicity[i] / den[i]`.
#[derive(Clone, Debug)]
pub struct TableBlock<'a> {
    pub leaves: Block<'a>,
    pub multiplicity: &'a CudaView<'a, u32>,
}

impl<'a> TableBlock<'a> {
    /// Its numerators, as if they were denominators.
    pub(super) fn numerators(&self) -> Block<'a> {
        let columns = vec![(F::one(), Column::Words(self.multiplicity))];
        Block { log_len: self.leaves.log_len, constant: F::zero(), columns }
    }
}

/// `LeafBlock` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawBlock {
    first: u64,
    first_column: u32,
    n_columns: u32,
    constant: Felt,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawBlock {}

/// The leaves of all blocks, then `tail` up to whole vectors.
///
/// # Panics
/// If a column is not as long as its block.
pub(super) fn leaves(device: &Device, blocks: &[Block<'_>], tail: F) -> Result<CudaSlice<Felt>, CudaError> {
    let (mut raw, mut columns, mut first) = (vec![], vec![], 0u64);
    for block in blocks {
        let len = 1u64 << block.log_len;
        let (first_column, n_columns) = (columns.len() as u32, block.columns.len() as u32);
        raw.push(RawBlock { first, first_column, n_columns, constant: block.constant.into() });
        for (weight, column) in &block.columns {
            assert_eq!(column.len() as u64, len, "a column has a value for each leaf");
            columns.push(column.raw(device, *weight));
        }
        first += len;
    }
    let n = (first as usize).next_multiple_of(LANES);
    let (n_blocks, live, n_leaves, tail) = (raw.len() as u32, first, n as u64, Felt::from(tail));
    let (raw, columns) = (device.upload("leaf blocks", &raw)?, device.upload("leaf columns", &columns)?);
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("leaves", n) }?;
    let args = Args::new().buffer(device, &raw).with(n_blocks).buffer(device, &columns).with(tail).with(live);
    // SAFETY: blocks cover `live` leaves, columns are as long as their blocks, `out` holds n elements.
    unsafe { launch(device, KERNELS, "gkr_leaves", grid(n), args.buffer(device, &out).with(n_leaves)) }?;
    Ok(out)
}
