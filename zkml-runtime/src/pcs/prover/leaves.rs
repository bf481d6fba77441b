//! Leaves of the Merkle tree, hashed as columns come: stwo's `build_leaves`, without all columns in memory at once.

use std::simd::u32x16;

use rayon::prelude::*;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::prover::backend::simd::blake2s::{
    compress_finalize, compress_unfinalized, transpose_msgs, untranspose_states, INITIAL_STATE,
};
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::m31::N_LANES;

use super::extension::{Row, BLOCK};
use crate::field::pool::zeroed;

/// Groups of sixteen leaves that one task handles.
const TASK: usize = 64;

/// Sixteen leaves' hashes so far.
type State = [u32x16; 8];

pub(super) struct Leaves {
    states: Vec<State>,
    bytes: u64,
}

impl Leaves {
    pub fn new(rows: usize) -> Self {
        Self { states: vec![INITIAL_STATE; rows / N_LANES], bytes: 0 }
    }

    /// Takes in the next columns, at most a block of them and fewer only if they are the `last`; writes them row by row.
    pub fn absorb(&mut self, columns: &[BaseColumn], last: bool, rows: &mut Vec<Row>) {
        debug_assert!(last || columns.len() == BLOCK);
        self.bytes += (columns.len() * size_of::<u32>()) as u64;
        let bytes = self.bytes;
        if rows.is_empty() {
            *rows = zeroed(self.states.len() * N_LANES);
        }
        let (groups, _) = rows.as_chunks_mut::<N_LANES>();
        let states = self.states.par_iter_mut().zip(groups).enumerate().with_min_len(TASK);
        states.for_each(|(i, (state, rows))| {
            let mut words = [u32x16::splat(0); BLOCK];
            words.iter_mut().zip(columns).for_each(|(w, column)| *w = column.data[i].into_simd());
            *state = match last {
                true => compress_finalize(*state, words, bytes),
                false => compress_unfinalized(*state, words, bytes),
            };
            *rows = transpose_msgs(words).map(|row| row.to_array());
        });
    }

    pub fn finish(self) -> Vec<Blake2sHash> {
        let hashes = self.states.into_par_iter().flat_map_iter(|state| {
            let words: [u32; 8 * N_LANES] = bytemuck::cast(untranspose_states(state).map(|w| w.to_array()));
            let (hashes, _) = words.as_chunks::<8>();
            let hashes: [[u32; 8]; N_LANES] = hashes.try_into().expect("sixteen hashes");
            hashes.map(|h| Blake2sHash(bytemuck::cast(h.map(u32::to_le))))
        });
        hashes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stwo::core::fields::m31::BaseField;
    use stwo::prover::backend::simd::SimdBackend;
    use stwo::prover::vcs_lifted::ops::MerkleOpsLifted;

    use crate::pcs::H;

    #[test]
    fn leaves_are_those_of_stwo() {
        for n in [1usize, 15, 16, 17, 32, 40] {
            let column = |c: usize| -> BaseColumn {
                (0..64u32)
                    .map(|i| BaseField::from((i + 64 * c as u32).wrapping_mul(2654435761) >> 1))
                    .collect()
            };
            let columns: Vec<BaseColumn> = (0..n).map(column).collect();
            let mut leaves = Leaves::new(64);
            for (k, block) in columns.chunks(BLOCK).enumerate() {
                let mut rows = vec![];
                leaves.absorb(block, (k + 1) * BLOCK >= n, &mut rows);
                for (r, row) in rows.iter().enumerate() {
                    for (c, column) in block.iter().enumerate() {
                        assert_eq!(row[c], column.as_slice()[r].0);
                    }
                }
            }
            let all: Vec<&BaseColumn> = columns.iter().collect();
            let expected = <SimdBackend as MerkleOpsLifted<H>>::build_leaves(&all, 6);
            assert_eq!(leaves.finish(), expected, "{n} columns");
        }
    }
}
