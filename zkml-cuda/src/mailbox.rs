//! Host memory that kernels write to.
//!
//! A round of a sumcheck ends in a few elements for the transcript. A kernel that writes them to the host itself saves the copy,
//! which takes as long as the launch.

use crate::felt::Felt;
use crate::CudaError;
use cudarc::driver::{result, sys};

/// Elements that there is room for.
pub(crate) const ROOM: usize = 64;

/// Page-locked memory, at the same address on the host and on the device.
pub(crate) struct Mailbox(*mut Felt);

// SAFETY: the memory belongs to no thread.
unsafe impl Send for Mailbox {}

impl Mailbox {
    /// For the device whose context is the calling thread's.
    pub fn new() -> Result<Self, CudaError> {
        // SAFETY: it is written before it is read, and any words are elements.
        let at = unsafe { result::malloc_host(ROOM * size_of::<Felt>(), sys::CU_MEMHOSTALLOC_DEVICEMAP) };
        Ok(Self(at.map_err(CudaError::driver("locking memory"))?.cast()))
    }

    pub fn address(&self) -> u64 {
        self.0 as u64
    }

    /// The first n elements, once the kernel is done that wrote them.
    pub fn read(&self, n: usize) -> Vec<Felt> {
        assert!(n <= ROOM, "what a kernel leaves fits");
        // SAFETY: within the memory, which nothing writes now.
        (0..n).map(|i| unsafe { self.0.add(i).read_volatile() }).collect()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // SAFETY: it was allocated so, and a kernel that writes to it was waited for.
        let _ = unsafe { result::free_host(self.0.cast()) };
    }
}
