//! The circle FFT layer by layer, in place: for a few columns, on domains that [`super::Transform`] has no passes for.

use super::KERNELS;
use crate::launch::{grid, launch, Args, Grid};
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use stwo::core::fields::m31::BaseField;

/// Values on a domain of `2^log_n` points become coefficients. `inverse` are the domain's factors
/// ([`zkml_runtime::pcs::inverse_twiddles`]).
pub fn interpolate(
    device: &Device,
    columns: &CudaSlice<u32>,
    inverse: &CudaSlice<u32>,
    log_n: u32,
) -> Result<(), CudaError> {
    let blocks = Grid { y: columns.len() >> log_n, ..grid(1 << (log_n - 1)) };
    for layer in 0..log_n {
        let scale = match layer + 1 == log_n {
            true => BaseField::from(1usize << log_n).inverse().0,
            false => 1,
        };
        let args = Args::new().buffer(device, columns).buffer(device, inverse).with(log_n);
        // SAFETY: the kernel's arguments; a row of blocks for each column, a thread for each pair.
        unsafe { launch(device, KERNELS, "fft_inverse_layer", blocks, args.with(layer).with(scale)) }?;
    }
    Ok(())
}

/// Values on a domain of `2^log_m` points of columns of `2^log_n` coefficients. `forward` are the domain's factors
/// ([`zkml_runtime::pcs::twiddles`]).
pub fn evaluate(
    device: &Device,
    coefficients: &CudaSlice<u32>,
    forward: &CudaSlice<u32>,
    [log_n, log_m]: [u32; 2],
) -> Result<CudaSlice<u32>, CudaError> {
    let n_columns = coefficients.len() >> log_n;
    // SAFETY: the first kernel writes all of it.
    let out = unsafe { device.alloc::<u32>("an extension", n_columns << log_m) }?;
    let args = Args::new().buffer(device, coefficients).buffer(device, &out).with(log_n).with(log_m);
    // SAFETY: the kernel's arguments; a row of blocks for each column.
    unsafe { launch(device, KERNELS, "pad_columns", Grid { y: n_columns, ..grid(1 << log_m) }, args) }?;
    let blocks = Grid { y: n_columns, ..grid(1 << (log_m - 1)) };
    for layer in (0..log_m).rev() {
        let args = Args::new().buffer(device, &out).buffer(device, forward).with(log_m).with(layer);
        // SAFETY: as above; a thread for each pair.
        unsafe { launch(device, KERNELS, "fft_forward_layer", blocks, args) }?;
    }
    Ok(out)
}
