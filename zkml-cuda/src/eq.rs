//! eq of many points at once.

use crate::blocks::{Blocks, Work};
use crate::felt::{felts, Felt};
use crate::launch::{launch, Grid, THREADS};
use crate::{CudaError, Device, Kernels};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_runtime::field::{eq_table, F};

pub(crate) const KERNELS: Kernels = Kernels { file: "eq.cu", source: include_str!("../kernels/eq.cu") };

/// `Point` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawPoint {
    high: u64,
    low: u64,
    low_bits: u64,
    bits: u64,
    to: u64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawPoint {}

impl Blocks for RawPoint {}

/// Writes eq of each point, the first coordinate for the most significant bit, from its place in `out` on.
///
/// # Panics
/// If one has no room.
pub fn tables<'p>(
    device: &Device,
    points: impl Iterator<Item = (&'p [F], u64)>,
    out: &CudaSlice<Felt>,
) -> Result<(), CudaError> {
    let (mut halves, mut raw) = (vec![], vec![]);
    for (point, to) in points {
        assert!(to as usize + (1 << point.len()) <= out.len(), "room for eq");
        let (high, low) = point.split_at(point.len() / 2);
        let mut table = |point: &[F]| {
            halves.extend(felts(&eq_table(point)));
            (halves.len() - (1 << point.len())) as u64
        };
        let (first, second) = (table(high), table(low));
        let (low_bits, bits) = (low.len() as u64, point.len() as u64);
        raw.push(RawPoint { high: first, low: second, low_bits, bits, to });
    }
    if raw.is_empty() {
        return Ok(());
    }
    let halves = device.upload("halves of eq", &halves)?;
    let jobs = Work::new(device, &raw, |p| (1usize << p.bits).div_ceil(THREADS))?;
    let args = jobs.args(device).buffer(device, &halves).buffer(device, out);
    // SAFETY: the kernel's arguments; every table has room.
    unsafe { launch(device, KERNELS, "eq_tables", Grid::blocks(jobs.blocks), args) }
}
