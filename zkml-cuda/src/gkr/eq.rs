//! The equality polynomial of a layer's point, as the rounds need it.

use super::LOG_LANES;
use crate::felt::{felts, Felt};
use crate::launch::address;
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_runtime::field::{eq_prefixes, eq_table, F};

/// Tables of eq over the most significant variables, for every number of them: of a high part of the point and of the rest of
/// it. Any prefix of the point is one entry of each, so that all rounds share tables as long as the root of the data (the
/// split of Dao and Thaler, eprint 2024/1210).
pub(super) struct Eq {
    /// The variables that count vectors, most significant first.
    point: Vec<F>,
    /// How many of them are in the high part.
    high_vars: usize,
    /// Tables of 0, 1, .. variables one after the other: that of k begins at `2^k - 1`.
    high: CudaSlice<Felt>,
    low: CudaSlice<Felt>,
    /// eq of the variables within a vector.
    pub lanes: CudaSlice<Felt>,
}

/// `Eq` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct RawEq {
    high: u64,
    low: u64,
    low_bits: u32,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawEq {}

impl Eq {
    /// A point in the order of the rounds: vector variables from the lowest up, then the four of the lane from the highest down.
    pub fn new(device: &Device, z: &[F]) -> Result<Self, CudaError> {
        let (vectors, lanes) = z.split_at(z.len() - LOG_LANES as usize);
        let point: Vec<F> = vectors.iter().rev().copied().collect();
        let high_vars = point.len() / 2;
        let tables = |point: &[F]| felts(&eq_prefixes(point).concat());
        Ok(Self {
            high: device.upload("eq", &tables(&point[..high_vars]))?,
            low: device.upload("eq", &tables(&point[high_vars..]))?,
            lanes: device.upload("eq", &felts(&eq_table(lanes)))?,
            point,
            high_vars,
        })
    }

    /// The `vars` most significant of the variables that count vectors.
    pub fn point(&self, vars: usize) -> &[F] {
        &self.point[..vars]
    }

    pub fn raw(&self, device: &Device, vars: usize) -> RawEq {
        let high = vars.min(self.high_vars);
        let low = vars - high;
        let at = |slice: &CudaSlice<Felt>, vars: usize| {
            address(device, slice) + (((1u64 << vars) - 1) * size_of::<Felt>() as u64)
        };
        RawEq { high: at(&self.high, high), low: at(&self.low, low), low_bits: low as u32 }
    }
}
