//! FRI's folds, and the proof of work before its queries.

use super::KERNELS;
use crate::commit::{self, Hash};
use crate::felt::Felt;
use crate::launch::{address_of, grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use zkml_runtime::field::F;

/// Candidates of one launch: some tenths of a millisecond.
const WINDOW: u64 = 1 << 22;
/// Bits of a candidate that are the nonce's low word, as stwo's SIMD backend counts.
const LOW_BITS: u32 = 20;

/// Folds values on the domain of this layer once. Layer 0 is a circle domain's, layer k + 1 that of the line it leaves;
/// `inverse_twiddles` are those of the circle domain ([`zkml_runtime::pcs::inverse_twiddles`]).
pub fn fold(
    device: &Device,
    values: &CudaSlice<Felt>,
    inverse_twiddles: &CudaSlice<u32>,
    layer: usize,
    alpha: F,
) -> Result<CudaSlice<Felt>, CudaError> {
    let factors = super::layer(inverse_twiddles, layer);
    let n = factors.len();
    assert_eq!(values.len(), 2 * n, "values on the layer's domain");
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("a layer of FRI", n) }?;
    let args = Args::new().buffer(device, values).with(address_of(device, &factors)).with(Felt::from(alpha));
    // SAFETY: the kernel's arguments; twice as many values are read.
    unsafe { launch(device, KERNELS, "fri_fold", grid(n), args.buffer(device, &out).with(n as u64)) }?;
    Ok(out)
}

/// The least nonce, in the order of stwo's SIMD backend, whose hash with this digest ends in `zeros` zero bits. The digest is
/// that of the channel with the proof of work's prefix.
pub fn grind(device: &Device, digest: Hash, zeros: u32) -> Result<u64, CudaError> {
    let mut first = 0u64;
    loop {
        let best = device.upload("a nonce", &[u64::MAX])?;
        let args = Args::new().with(digest).with(first).with(WINDOW).with(zeros).buffer(device, &best);
        // SAFETY: the kernel's arguments.
        unsafe { launch(device, commit::KERNELS, "grind", grid(WINDOW as usize), args) }?;
        match device.download(&best)?[0] {
            u64::MAX => first += WINDOW,
            c => return Ok((c >> LOW_BITS) << 32 | c & ((1 << LOW_BITS) - 1)),
        }
    }
}
