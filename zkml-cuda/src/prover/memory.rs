//! What a model and a proof take of the device's memory, asked for before it is taken.

use crate::{CudaError, Device};
use zkml_ir::layout::Tree;
use zkml_ir::plan::{Plan, Source};
use zkml_runtime::pcs::Params;
use zkml_runtime::protocol::System;

const WORD: u64 = 4;
/// A node of a Merkle tree is 32 bytes, and there are two for a leaf.
const TREE: u64 = 64;
/// Leaves and layers of a fraction tree, for each lookup.
const LOOKUP: u64 = 52;
/// Vectors of the extension field over the evaluation domain that an opening holds at once.
const VECTORS: u64 = 16 * 12;

/// Bytes of the weights: cells, columns, their extension and its tree.
pub(super) fn weights(system: &System) -> u64 {
    let cells = |s: &Source| matches!(s, Source::Weight(_));
    system.plan().cells(cells) * WORD + tree(system, Tree::Weights)
}

/// Bytes of a proof beside the weights: all cells of the run, what is looked up, what is committed, the lookups' tree.
pub(super) fn proof(system: &System) -> u64 {
    let plan = system.plan();
    let own = |s: &Source| !matches!(s, Source::Weight(_));
    let trees = tree(system, Tree::Private) + tree(system, Tree::Trace);
    let domain = 1u64 << system.params().log_domain();
    plan.cells(own) * WORD + entries(plan) * WORD + trees + plan.n_lookups() * LOOKUP + domain * VECTORS
}

fn tree(system: &System, tree: Tree) -> u64 {
    let Params { log_rows, level } = *system.params();
    let (columns, rows) = (system.layout().columns_of(tree) as u64, 1u64 << log_rows);
    let extended = rows << level.log_blowup();
    match columns {
        0 => 0,
        n => n * (rows + extended) * WORD + extended * TREE,
    }
}

/// Words of all entries that are no constants.
fn entries(plan: &Plan) -> u64 {
    let of_lookup = |l: &zkml_ir::plan::Lookup| {
        l.entries.iter().filter(|e| !e.terms.is_empty()).count() as u64 * l.space.len() as u64
    };
    plan.lookups.iter().map(of_lookup).sum()
}

/// Refuses what does not fit.
pub(super) fn require(device: &Device, what: &'static str, needed: u64) -> Result<(), CudaError> {
    let (needed, free) = (needed as usize, device.available()?);
    match needed > free {
        true => Err(CudaError::Memory { what, needed, free }),
        false => Ok(()),
    }
}
