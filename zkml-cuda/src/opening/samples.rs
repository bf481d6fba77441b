//! The quotients of samples.

use super::STARK;
use crate::felt::Felt;
use crate::launch::{address, grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use stwo::core::circle::CirclePoint;
use zkml_runtime::field::F;

/// Combinations of all columns that are sampled at one point, as [`zkml_runtime::pcs::Batch`] has them.
pub struct Samples {
    /// Of the opening's own columns, on the rows.
    pub own: CudaSlice<Felt>,
    /// Of the given ones, by coordinates, which may go on beyond the rows.
    pub given: Option<CudaSlice<u32>>,
    pub a: F,
    pub b: F,
    pub point: CirclePoint<F>,
}

/// `Batch` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawBatch {
    own: u64,
    given: u64,
    stride: u64,
    a: Felt,
    b: Felt,
    x: Felt,
    y: Felt,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawBatch {}

/// The sum over all sample points of `(own + given - a y - b) / line`, at the points with these coordinates. The line goes
/// through the sample's point and its conjugate.
pub fn sample_quotients(
    device: &Device,
    samples: &[Samples],
    [xs, ys]: &[CudaSlice<u32>; 2],
) -> Result<CudaSlice<Felt>, CudaError> {
    let n = xs.len();
    let raw = |s: &Samples| {
        assert!(
            s.own.len() == n && s.given.as_ref().is_none_or(|g| g.len() >= 4 * n),
            "values on the points"
        );
        RawBatch {
            own: address(device, &s.own),
            given: s.given.as_ref().map_or(0, |g| address(device, g)),
            stride: s.given.as_ref().map_or(0, |g| g.len() as u64 / 4),
            a: s.a.into(),
            b: s.b.into(),
            x: s.point.x.into(),
            y: s.point.y.into(),
        }
    };
    let batches = device.upload("samples", &samples.iter().map(raw).collect::<Vec<_>>())?;
    // SAFETY: the kernel writes all of it.
    let out = unsafe { device.alloc::<Felt>("quotients of samples", n) }?;
    let args = Args::new().buffer(device, &batches).with(samples.len() as u32).buffer(device, xs);
    let args = args.buffer(device, ys).with(n as u64).buffer(device, &out);
    // SAFETY: the kernel's arguments; every batch has as many values as there are points.
    unsafe { launch(device, STARK, "sample_quotients", grid(n), args) }?;
    Ok(out)
}
