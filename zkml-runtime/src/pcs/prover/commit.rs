//! Commitments to columns.

use rayon::prelude::*;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::vcs_lifted::ops::MerkleOpsLifted;
use stwo::prover::vcs_lifted::prover::MerkleProverLifted;
use thiserror::Error;
use tracing::{info_span, instrument};

use super::column::Column;
use super::context::ProverContext;
use super::extension::{Extension, Store, BLOCK};
use super::leaves::Leaves;
use crate::pcs::statement::Params;
use crate::pcs::H;

pub(in crate::pcs) type Hashes = MerkleProverLifted<SimdBackend, H>;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CommitError {
    #[error("no columns to commit to")]
    NoColumns,
    #[error("column {column} has {got} rows, expected {expected}")]
    Rows { column: usize, expected: usize, got: usize },
    #[error("cannot write {bytes} bytes of extension to a file in {folder}: {why}")]
    File { folder: String, bytes: u64, why: String },
}

/// Columns, the Merkle tree over their low-degree extensions, and these for queries to read.
pub struct CommittedTree {
    pub(super) params: Params,
    pub(super) columns: Vec<Column>,
    pub(in crate::pcs) hashes: Hashes,
    pub(super) extension: Extension,
}

impl CommittedTree {
    pub fn root(&self) -> Blake2sHash {
        self.hashes.root()
    }

    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// The columns on the trace domain. A row's position in memory (stwo's bit-reversed order of the circle domain)
    /// is its point of the hypercube, most significant bit first.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

/// Commits to columns of exactly `2^b` rows, their extensions in memory.
pub fn commit<C: Into<Column>>(columns: Vec<C>, ctx: &ProverContext) -> Result<CommittedTree, CommitError> {
    commit_in(&Store::Memory, columns, ctx)
}

/// Commits to columns of exactly `2^b` rows: extended, hashed and stored sixteen at a time.
#[instrument(skip_all, fields(columns = columns.len()))]
pub fn commit_in<C: Into<Column>>(
    store: &Store,
    columns: Vec<C>,
    ctx: &ProverContext,
) -> Result<CommittedTree, CommitError> {
    let columns: Vec<Column> = columns.into_iter().map(Into::into).collect();
    if columns.is_empty() {
        return Err(CommitError::NoColumns);
    }
    let expected = 1usize << ctx.params.log_rows;
    if let Some(column) = columns.iter().position(|c| c.rows() != expected) {
        return Err(CommitError::Rows { column, expected, got: columns[column].rows() });
    }
    let rows = 1usize << ctx.params.log_domain();
    let failed = |e: std::io::Error| match store {
        Store::Memory => unreachable!("memory takes what it is given"),
        Store::File(folder) => CommitError::File {
            folder: folder.display().to_string(),
            bytes: (columns.len().next_multiple_of(BLOCK) * rows * size_of::<u32>()) as u64,
            why: e.to_string(),
        },
    };
    let extension = Extension::new(store, columns.len(), rows).map_err(failed)?;
    let mut leaves = Leaves::new(rows);
    let extension = extension
        .fill(|write| {
            let blocks = columns.len().div_ceil(BLOCK);
            for (k, block) in columns.chunks(BLOCK).enumerate() {
                let span = info_span!("extend", step = k, of = blocks).entered();
                let extended: Vec<BaseColumn> = block.par_iter().map(|c| ctx.extend(c.reduced())).collect();
                drop(span);
                let _span = info_span!("merkle").entered();
                let last = k + 1 == blocks;
                write.block(|rows| leaves.absorb(&extended, last, rows));
                extended.into_iter().for_each(|column| ctx.recycle(column));
            }
        })
        .map_err(failed)?;
    let _span = info_span!("merkle").entered();
    let hashes = above(leaves.finish());
    Ok(CommittedTree { params: ctx.params, columns, hashes, extension })
}

/// The layers above the leaves.
fn above(leaves: Vec<Blake2sHash>) -> Hashes {
    let mut layers = vec![leaves];
    while let Some(last) = layers.last().filter(|layer| layer.len() > 1) {
        layers.push(<SimdBackend as MerkleOpsLifted<H>>::build_next_layer(last));
    }
    layers.reverse();
    Hashes { layers }
}

/// The Merkle tree over a few extensions that stay in memory.
#[instrument(skip_all)]
pub(super) fn merkle(ctx: &ProverContext, extended: &[BaseColumn]) -> Hashes {
    Hashes::commit(extended.iter().collect(), ctx.params.log_domain(), 0)
}
