//! A tensor's cells on the device, in slab order, and what is made of them.
//!
//! * `expression`: linear expressions of tensors, which are looked up; `columns`: what is committed.

mod columns;
mod expression;

pub use columns::columns;
pub use expression::{materialise, Expressions};

use crate::launch::address;
use crate::{CudaError, Device, Kernels};
use cudarc::driver::CudaSlice;
use zkml_runtime::cells::Cells;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "cells.cu", source: include_str!("../../kernels/cells.cu") };

/// As [`Cells`], in as many bytes.
pub enum DeviceCells {
    I8(CudaSlice<i8>),
    I32(CudaSlice<i32>),
}

impl DeviceCells {
    pub fn upload(device: &Device, cells: &Cells) -> Result<Self, CudaError> {
        Ok(match cells {
            Cells::I8(v) => Self::I8(device.upload("cells", v)?),
            Cells::I32(v) => Self::I32(device.upload("cells", v)?),
        })
    }

    pub(crate) fn download(&self, device: &Device) -> Result<Vec<i32>, CudaError> {
        Ok(match self {
            Self::I8(v) => device.download(v)?.into_iter().map(i32::from).collect(),
            Self::I32(v) => device.download(v)?,
        })
    }

    /// Where they lie, and the bytes of one.
    pub(crate) fn raw(&self, device: &Device) -> (u64, u64) {
        match self {
            Self::I8(v) => (address(device, v), 1),
            Self::I32(v) => (address(device, v), 4),
        }
    }
}
