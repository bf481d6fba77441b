//! Merkle trees of BLAKE2s, as stwo's `MerkleProverLifted` over columns of one height.

use super::KERNELS;
use crate::launch::{grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};

/// A hash as it lies in the device's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Hash(pub [u32; 8]);

// SAFETY: eight words, as the kernels declare it, and any words will do.
unsafe impl DeviceRepr for Hash {}

impl Hash {
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let (words, _) = bytes.as_chunks_mut::<4>();
        words.iter_mut().zip(self.0).for_each(|(b, w)| *b = w.to_le_bytes());
        bytes
    }
}

/// All layers, the root first.
pub struct MerkleTree {
    layers: Vec<CudaSlice<Hash>>,
}

impl MerkleTree {
    /// Over the rows of columns of `2^log_rows` words that lie one after the other.
    pub fn new(
        device: &Device,
        columns: &CudaSlice<u32>,
        n_columns: usize,
        log_rows: u32,
    ) -> Result<Self, CudaError> {
        let rows = 1usize << log_rows;
        debug_assert_eq!(columns.len(), n_columns * rows);
        // SAFETY: the kernel writes all of it.
        let leaves = unsafe { device.alloc::<Hash>("the leaves of a Merkle tree", rows) }?;
        let args = Args::new().buffer(device, columns).with(n_columns as u32).with(rows as u64);
        // SAFETY: the kernel's arguments; a thread for each row.
        unsafe { launch(device, KERNELS, "merkle_leaves", grid(rows), args.buffer(device, &leaves)) }?;
        let mut layers = vec![leaves];
        for log in (0..log_rows).rev() {
            let (below, n) = (&layers[layers.len() - 1], 1usize << log);
            // SAFETY: as above.
            let layer = unsafe { device.alloc::<Hash>("a layer of a Merkle tree", n) }?;
            let args = Args::new().buffer(device, below).buffer(device, &layer).with(n as u64);
            // SAFETY: the kernel's arguments; the layer below has twice as many.
            unsafe { launch(device, KERNELS, "merkle_layer", grid(n), args) }?;
            layers.push(layer);
        }
        layers.reverse();
        Ok(Self { layers })
    }

    pub fn root(&self, device: &Device) -> Result<Hash, CudaError> {
        Ok(device.download(&self.layers[0])?[0])
    }

    /// The layers, the root first.
    pub fn layers(&self) -> &[CudaSlice<Hash>] {
        &self.layers
    }
}
