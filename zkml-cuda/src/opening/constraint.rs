//! The one constraint of an opening's STARK: prefix sums of `V E - v / 2^b` along the trace coset, and its quotient.

use super::STARK;
use crate::felt::Felt;
use crate::launch::{grid, launch, Args, Grid};
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use zkml_runtime::field::{BaseField, F};

/// Elements that a block of threads scans, `PER_BLOCK` of the kernels.
const PER_BLOCK: usize = 1024;

/// `v e - mean`, element by element.
pub fn steps(
    device: &Device,
    v: &CudaSlice<Felt>,
    e: &CudaSlice<Felt>,
    mean: F,
) -> Result<CudaSlice<Felt>, CudaError> {
    let n = v.len();
    assert_eq!(e.len(), n, "vectors of one length");
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("steps of prefix sums", n) }?;
    let args = Args::new().buffer(device, v).buffer(device, e).with(Felt::from(mean)).buffer(device, &out);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, STARK, "sum_steps", grid(n), args.with(n as u64)) }?;
    Ok(out)
}

/// Sums of all elements up to each, in the order of the trace coset; values lie in bit-reversed order of the circle domain, as
/// stwo's `inclusive_prefix_sum` takes and gives them.
pub fn prefix_sums(device: &Device, values: &CudaSlice<Felt>) -> Result<CudaSlice<Felt>, CudaError> {
    let n = values.len();
    assert!(n.is_power_of_two(), "a domain's values");
    let (log_n, blocks) = (n.ilog2(), n.div_ceil(PER_BLOCK));
    // SAFETY: the kernels write all of both.
    let (out, sums) =
        unsafe { (device.alloc::<Felt>("prefix sums", n)?, device.alloc::<Felt>("sums of blocks", blocks)?) };
    let first = Args::new().buffer(device, values).buffer(device, &out).buffer(device, &sums).with(log_n);
    let second = Args::new().buffer(device, &sums).with(blocks as u64);
    let third = Args::new().buffer(device, &out).buffer(device, &sums).with(log_n);
    // SAFETY: the kernels' arguments.
    unsafe {
        launch(device, STARK, "scan_blocks", Grid::blocks(blocks), first)?;
        launch(device, STARK, "scan_sums", Grid::blocks(1), second)?;
        launch(device, STARK, "scan_add", grid(n), third)?;
    }
    Ok(out)
}

/// The four coordinates, column after column.
pub fn to_coordinates(device: &Device, values: &CudaSlice<Felt>) -> Result<CudaSlice<u32>, CudaError> {
    let n = values.len();
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<u32>("coordinates", 4 * n) }?;
    let args = Args::new().buffer(device, values).buffer(device, &out).with(n as u64);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, STARK, "to_coordinates", grid(n), args) }?;
    Ok(out)
}

/// `(S - S_prev + mean - V E) / vanishing` on the first `2^log_n` points of a domain, on which each of the three is given as four
/// columns of coordinates; `vanishing` are the inverses of its two values.
pub fn quotient(
    device: &Device,
    [s, v, e]: [&CudaSlice<u32>; 3],
    log_n: u32,
    mean: F,
    vanishing: [BaseField; 2],
) -> Result<CudaSlice<Felt>, CudaError> {
    let (n, stride) = (1usize << log_n, s.len() / 4);
    assert!(n <= stride && v.len() == s.len() && e.len() == s.len(), "values on one domain");
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("a quotient", n) }?;
    let args = Args::new().buffer(device, s).buffer(device, v).buffer(device, e).with(stride as u64);
    let args = args.with(log_n).with(Felt::from(mean)).with(vanishing[0].0).with(vanishing[1].0);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, STARK, "constraint_quotient", grid(n), args.buffer(device, &out)) }?;
    Ok(out)
}

/// Values by coordinates, joined again.
pub fn from_coordinates(device: &Device, columns: &CudaSlice<u32>) -> Result<CudaSlice<Felt>, CudaError> {
    let n = columns.len() / 4;
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("joined coordinates", n) }?;
    let args = Args::new().buffer(device, columns).buffer(device, &out).with(n as u64);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, STARK, "from_coordinates", grid(n), args) }?;
    Ok(out)
}
