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
///
/// # Panics
/// If they are 2^32 or more, which no tensor of a model is.
pub(crate) fn combinations(loops: &[RawLoop]) -> u64 {
    let n = loops.iter().map(|l| l.extent).product();
    assert!(n < 1 << 32, "loops over fewer than 2^32 cells");
    n
}

/// Fewer loops with the same combinations: one that goes on where the next one ends is part of it.
pub(crate) fn joined(loops: impl IntoIterator<Item = RawLoop>) -> Vec<RawLoop> {
    let mut out: Vec<RawLoop> = vec![];
    for next in loops.into_iter().filter(|l| l.extent > 1) {
        match out.last_mut() {
            Some(last)
                if last.slot == next.slot
                    && last.stride == next.extent * next.stride
                    && last.step == next.extent * next.step =>
            {
                *last = RawLoop { extent: last.extent * next.extent, ..next };
            }
            _ => out.push(next),
        }
    }
    out
}

/// Kernels have room for so many.
pub(crate) fn at_most(most: usize, got: usize) -> Result<(), CudaError> {
    match got > most {
        true => Err(CudaError::Loops { most, got }),
        false => Ok(()),
    }
}
