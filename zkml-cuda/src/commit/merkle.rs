//! Merkle trees of BLAKE2s, as stwo's `MerkleProverLifted` over columns of one height.

use super::KERNELS;
use crate::felt::Felt;
use crate::launch::{address, grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use stwo::core::vcs::blake2_hash::Blake2sHash;

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

impl From<Hash> for Blake2sHash {
    fn from(hash: Hash) -> Self {
        Self(hash.to_bytes())
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
        Self::above(device, leaves)
    }

    /// Over leaves of `2^log_leaf` elements each, at most four.
    pub fn over_elements(
        device: &Device,
        values: &CudaSlice<Felt>,
        log_leaf: u32,
    ) -> Result<Self, CudaError> {
        let rows = values.len() >> log_leaf;
        assert!(log_leaf <= 2 && rows.is_power_of_two(), "leaves of one block of the hash");
        // SAFETY: the kernel writes all of it.
        let leaves = unsafe { device.alloc::<Hash>("the leaves of a Merkle tree", rows) }?;
        let args = Args::new().buffer(device, values).with(4u32 << log_leaf).with(rows as u64);
        // SAFETY: the kernel's arguments; a thread for each row.
        unsafe { launch(device, KERNELS, "merkle_rows", grid(rows), args.buffer(device, &leaves)) }?;
        Self::above(device, leaves)
    }

    fn above(device: &Device, leaves: CudaSlice<Hash>) -> Result<Self, CudaError> {
        let log_rows = leaves.len().ilog2();
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

    /// Where the hashes lie that the leaves at these positions, in ascending order, do not imply: in the order of stwo's
    /// `MerkleProverLifted::decommit`.
    pub(crate) fn path(&self, device: &Device, positions: &[usize]) -> Vec<u64> {
        let (mut addresses, mut positions) = (vec![], positions.to_vec());
        for layer in self.layers.iter().skip(1).rev() {
            let first = address(device, layer);
            let pairs = positions.chunk_by(|a, b| a ^ 1 == *b);
            let alone = pairs.filter(|pair| pair.len() == 1);
            addresses.extend(alone.map(|pair| first + ((pair[0] ^ 1) * size_of::<Hash>()) as u64));
            positions.iter_mut().for_each(|p| *p >>= 1);
            positions.dedup();
        }
        addresses
    }

    /// The layers, the root first.
    pub fn layers(&self) -> &[CudaSlice<Hash>] {
        &self.layers
    }
}
