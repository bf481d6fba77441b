//! Passes over all columns.

use super::KERNELS;
use crate::column::Column;
use crate::felt::Felt;
use crate::launch::{grid, launch, Args, Grid};
use crate::sums::totals;
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use num_traits::One;
use zkml_runtime::field::F;

/// Rows of a thread, `ROWS` of the kernels.
const ROWS: usize = 4;
/// Columns that share a read of the weights, `TOGETHER` of the kernels.
const TOGETHER: usize = 4;
/// Blocks that share a column's rows.
const SHARES: usize = 16;

/// `sum over columns of weight * column`, row by row: one pass over the columns.
///
/// # Panics
/// If a column has not as many rows as it says, a multiple of four.
pub fn weighted_sum(
    device: &Device,
    terms: &[(F, Column<'_>)],
    rows: usize,
) -> Result<CudaSlice<Felt>, CudaError> {
    let raw = upload(device, terms.iter().map(|(w, c)| (*w, c)), rows)?;
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("a combination of columns", rows) }?;
    let quads = rows / ROWS;
    let args = Args::new().buffer(device, &raw).with(terms.len() as u32).with(quads as u64);
    // SAFETY: the kernel's arguments; columns have as many rows.
    unsafe { launch(device, KERNELS, "weighted_sum", grid(quads), args.buffer(device, &out)) }?;
    Ok(out)
}

/// `sum_i weights[i] * column[i]` for every column.
///
/// # Panics
/// If a column has another length than the weights, a multiple of four.
pub fn inner_products(
    device: &Device,
    columns: &[Column<'_>],
    weights: &CudaSlice<Felt>,
) -> Result<Vec<F>, CudaError> {
    if columns.is_empty() {
        return Ok(vec![]);
    }
    let rows = weights.len();
    let raw = upload(device, columns.iter().map(|c| (F::one(), c)), rows)?;
    // SAFETY: the kernel writes all of it.
    let partial = unsafe { device.alloc::<Felt>("shares of inner products", columns.len() * SHARES) }?;
    let args = Args::new().buffer(device, &raw).with(columns.len() as u32).buffer(device, weights);
    let args = args.with((rows / ROWS) as u64).buffer(device, &partial);
    let blocks = Grid { x: SHARES, y: columns.len().div_ceil(TOGETHER), z: 1, shared: 0 };
    // SAFETY: the kernel's arguments; columns and weights have as many rows.
    unsafe { launch(device, KERNELS, "inner_products", blocks, args) }?;
    totals(device, &partial, SHARES, columns.len())
}

fn upload<'a, 'c: 'a>(
    device: &Device,
    columns: impl Iterator<Item = (F, &'a Column<'c>)>,
    rows: usize,
) -> Result<CudaSlice<crate::column::RawColumn>, CudaError> {
    assert!(rows.is_multiple_of(ROWS), "rows are read four at a time");
    let raw = columns.map(|(weight, column)| {
        assert_eq!(column.len(), rows, "columns of one height");
        column.raw(device, weight)
    });
    device.upload("columns", &raw.collect::<Vec<_>>())
}
