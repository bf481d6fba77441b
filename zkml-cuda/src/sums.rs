//! Sums over the blocks of a launch.

use crate::felt::Felt;
use crate::launch::{address, launch, Args, Grid};
use crate::mailbox::ROOM;
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
    let run = |out: u64| {
        let args = Args::new().buffer(device, partial).with(shares as u32).with(out);
        // SAFETY: the kernel's arguments; a block of threads for each row.
        unsafe { launch(device, KERNELS, "total_shares", Grid::blocks(rows), args) }
    };
    let sums = match rows <= ROOM {
        true => device.read_back(rows, run)?,
        false => {
            // SAFETY: the kernel writes all of it.
            let out = unsafe { device.alloc::<Felt>("sums of shares", rows) }?;
            run(address(device, &out))?;
            device.download(&out)?
        }
    };
    Ok(sums.into_iter().map(F::from).collect())
}
