//! Columns where they lie on the device.

use crate::felt::Felt;
use crate::launch::address_of;
use crate::Device;
use cudarc::driver::{CudaView, DeviceRepr};
use zkml_runtime::field::F;

/// Values of a column.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Canonic words of the base field.
    Words(&'a CudaView<'a, u32>),
    /// Centred bytes.
    Bytes(&'a CudaView<'a, i8>),
}

/// `Column` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct RawColumn {
    data: u64,
    bytes: u64,
    weight: Felt,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawColumn {}

impl Column<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Words(v) => v.len(),
            Self::Bytes(v) => v.len(),
        }
    }

    pub(crate) fn raw(&self, device: &Device, weight: F) -> RawColumn {
        let (data, bytes) = match self {
            Self::Words(v) => (address_of(device, v), 0),
            Self::Bytes(v) => (address_of(device, v), 1),
        };
        RawColumn { data, bytes, weight: weight.into() }
    }
}
