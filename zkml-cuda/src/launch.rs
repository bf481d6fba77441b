//! Launches, with arguments by value.

use crate::{CudaError, Device, Kernels};
use cudarc::driver::{result, CudaSlice, CudaView, DevicePtr, DeviceRepr};
use std::ffi::c_void;
use std::marker::PhantomData;

/// Threads of a block: whole warps, and whole vectors of sixteen lanes.
pub(crate) const THREADS: usize = 256;

/// Blocks of a launch.
#[derive(Clone, Copy)]
pub(crate) struct Grid {
    pub x: usize,
    pub y: usize,
    pub z: usize,
    /// Bytes of shared memory that each has, beside what its kernel declares.
    pub shared: usize,
}

impl Grid {
    pub fn blocks(x: usize) -> Self {
        Self { x, y: 1, z: 1, shared: 0 }
    }
}

/// Blocks that give each of n elements a thread.
pub(crate) fn grid(n: usize) -> Grid {
    Grid::blocks(n.div_ceil(THREADS))
}

/// What a kernel is given, copied: structures are aligned to sixteen bytes at most. Buffers live until the launch.
#[derive(Default)]
pub(crate) struct Args<'a> {
    words: Vec<u128>,
    /// Where each argument begins.
    at: Vec<usize>,
    buffers: PhantomData<&'a ()>,
}

impl<'a> Args<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with<T: DeviceRepr + Copy>(mut self, value: T) -> Self {
        const { assert!(align_of::<T>() <= align_of::<u128>()) };
        self.at.push(self.words.len());
        let end = self.words.len() + size_of::<T>().div_ceil(size_of::<u128>());
        self.words.resize(end, 0);
        let at = self.at[self.at.len() - 1];
        // SAFETY: there is room for it from `at` on, aligned as it needs.
        unsafe { self.words[at..].as_mut_ptr().cast::<T>().write(value) };
        self
    }

    /// A buffer's address. Buffers are freed on the stream they are used on, so one may be dropped after the launch.
    pub fn buffer<T>(self, device: &Device, slice: &'a CudaSlice<T>) -> Self {
        self.with(address(device, slice))
    }
}

/// Launches a kernel.
///
/// # Safety
/// The arguments are those that the kernel declares, and it stays within the buffers they point to.
pub(crate) unsafe fn launch(
    device: &Device,
    kernels: Kernels,
    name: &'static str,
    grid: Grid,
    mut args: Args<'_>,
) -> Result<(), CudaError> {
    let kernel = device.kernel(kernels, name)?;
    let blocks = |n: usize| u32::try_from(n.max(1)).expect("fewer than 2^32 blocks");
    let first = args.words.as_mut_ptr();
    // SAFETY: every argument begins within the words.
    let mut pointers: Vec<*mut c_void> = args.at.iter().map(|&at| unsafe { first.add(at) }.cast()).collect();
    device.bind()?;
    // SAFETY: the caller's; the arguments are copied by the call.
    unsafe {
        result::launch_kernel(
            kernel.cu_function(),
            (blocks(grid.x), blocks(grid.y), blocks(grid.z)),
            (THREADS as u32, 1, 1),
            grid.shared as u32,
            device.stream().cu_stream(),
            &mut pointers,
        )
    }
    .map_err(CudaError::driver(name))
}

/// Where a buffer lies.
pub(crate) fn address<T>(device: &Device, slice: &CudaSlice<T>) -> u64 {
    slice.device_ptr(device.stream()).0
}

/// Where a part of a buffer lies.
pub(crate) fn address_of<T>(device: &Device, view: &CudaView<'_, T>) -> u64 {
    view.device_ptr(device.stream()).0
}
