//! Sums over the blocks of a launch.

use crate::felt::Felt;
use crate::launch::{launch, Args, Grid};
use crate::{CudaError, Device, Kernels};
use cudarc::driver::CudaSlice;
use zkml_runtime::field::F;

pub(crate) const KERNELS: Kernels = Kernels { file: "sums.cu", source: include_str!("../kernels/sums.cu") };

/// The sum of each row of shares, of which the first `rows * shares` elements hold one row after the other. It waits.
pub(crate) fn totals(
    device: &Device,
    partial: &CudaSlice<Felt>,
    shares: usize,
    rows: usize,
) -> Result<Vec<F>, CudaError> {
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("sums of shares", rows) }?;
    let args = Args::new().buffer(device, partial).with(shares as u32).buffer(device, &out);
    // SAFETY: the kernel's arguments; a block of threads for each row.
    unsafe { launch(device, KERNELS, "total_shares", Grid::blocks(rows), args) }?;
    Ok(device.download(&out)?.into_iter().map(F::from).collect())
}
