//! Loops over cells, as kernels take them.

use crate::CudaError;

/// `Loop` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct RawLoop {
    pub extent: u64,
    pub stride: u64,
    /// In the output, or in the weights of this number.
    pub step: u64,
    pub slot: u64,
}

impl RawLoop {
    pub fn new(extent: usize, stride: usize, step: usize, slot: usize) -> Self {
        Self { extent: extent as u64, stride: stride as u64, step: step as u64, slot: slot as u64 }
    }
}

/// How many combinations loops have.
pub(crate) fn combinations(loops: &[RawLoop]) -> u64 {
    loops.iter().map(|l| l.extent).product()
}

/// Kernels have room for so many.
pub(crate) fn at_most(most: usize, got: usize) -> Result<(), CudaError> {
    match got > most {
        true => Err(CudaError::Loops { most, got }),
        false => Ok(()),
    }
}
