//! What queries read: a launch and a download for all that lies scattered.

use crate::commit::Hash;
use crate::felt::Felt;
use crate::launch::{grid, launch, Args};
use crate::{CudaError, Device, Kernels};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_runtime::field::{BaseField, F};

pub(crate) const KERNELS: Kernels =
    Kernels { file: "gather.cu", source: include_str!("../kernels/gather.cu") };

/// The hashes at these addresses.
///
/// # Safety
/// They are of hashes on the device.
pub unsafe fn hashes(device: &Device, from: &[u64]) -> Result<Vec<Hash>, CudaError> {
    // SAFETY: the caller's.
    unsafe { gather(device, "gather_hashes", from) }
}

/// The elements at these addresses.
///
/// # Safety
/// They are of elements on the device.
pub unsafe fn elements(device: &Device, from: &[u64]) -> Result<Vec<F>, CudaError> {
    // SAFETY: the caller's.
    let felts: Vec<Felt> = unsafe { gather(device, "gather_elements", from) }?;
    Ok(felts.into_iter().map(F::from).collect())
}

unsafe fn gather<T: DeviceRepr + Clone + Default>(
    device: &Device,
    kernel: &'static str,
    from: &[u64],
) -> Result<Vec<T>, CudaError> {
    if from.is_empty() {
        return Ok(vec![]);
    }
    let addresses = device.upload("addresses", from)?;
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<T>("what queries read", from.len()) }?;
    let args = Args::new().buffer(device, &addresses).with(from.len() as u64).buffer(device, &out);
    // SAFETY: the kernel's arguments, and the caller's.
    unsafe { launch(device, KERNELS, kernel, grid(from.len()), args) }?;
    device.download(&out)
}

/// The words of every column at these rows; columns of `rows` words lie one after the other.
///
/// # Panics
/// If a position is no row.
pub fn words(
    device: &Device,
    columns: &CudaSlice<u32>,
    rows: usize,
    positions: &[usize],
) -> Result<Vec<Vec<BaseField>>, CudaError> {
    assert!(positions.iter().all(|&p| p < rows), "queries within the domain");
    let (n_columns, n) = (columns.len() / rows, positions.len());
    let at = device.upload("queries", &positions.iter().map(|&p| p as u64).collect::<Vec<_>>())?;
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<u32>("queried words", n_columns * n) }?;
    let args = Args::new().buffer(device, columns).with(rows as u64).with(n_columns as u64);
    let args = args.buffer(device, &at).with(n as u64).buffer(device, &out);
    // SAFETY: the kernel's arguments; positions are within the columns.
    unsafe { launch(device, KERNELS, "gather_words", grid(n_columns * n), args) }?;
    let words = device.download(&out)?;
    let column = |c: &[u32]| c.iter().map(|&w| BaseField::from_u32_unchecked(w)).collect();
    Ok(words.chunks_exact(n).map(column).collect())
}
