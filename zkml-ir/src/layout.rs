//! Where committed cells lie: slabs packed into columns of `2^b` rows.
//!
//! All columns of a key have the same height (DESIGN 5.1, *one height*). The slabs of a tree are placed largest first,
//! one after the other, so each is aligned to its own size: a slab is a *slot* of a column, and a slab larger than a
//! column is a run of whole columns. Both sides compute the layout from the plan; it is never sent.

use crate::plan::{Plan, Source};
use serde::{Deserialize, Serialize};

/// The commitment trees that hold a plan's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tree {
    /// Weights, nothing else: committed once.
    Weights,
    /// Private inputs: their root stands in the statement in place of the values.
    Private,
    /// Everything else a proof commits, multiplicities included.
    Trace,
}

impl Tree {
    pub const ALL: [Tree; 3] = [Tree::Weights, Tree::Private, Tree::Trace];

    /// Where cells of this source are committed, if they are.
    pub fn of(source: &Source) -> Option<Self> {
        match source {
            Source::Weight(_) => Some(Tree::Weights),
            Source::PrivateInput(_) => Some(Tree::Private),
            Source::Trace => Some(Tree::Trace),
            Source::PublicInput(_) | Source::PublicOutput(_) | Source::Constant(_) | Source::OneHotOf(_) => {
                None
            }
        }
    }
}

/// A power-of-two block of a column: rows `slot << bits .. (slot + 1) << bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub column: usize,
    pub slot: usize,
}

/// The cells of one tensor (or multiplicity vector): slab by slab, each slab one piece or several whole columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub tree: Tree,
    /// log2 of a piece's cells: `min(slab bits, b)`.
    pub bits: u32,
    /// log2 of the pieces in a slab.
    pub split: u32,
    pub pieces: Vec<Piece>,
}

/// The layout of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// b: log2 of the rows of every column.
    pub log_rows: u32,
    /// Columns of each tree, in the order of [`Tree::ALL`]. The weight and trace trees have at least one.
    pub columns: [usize; 3],
    /// By tensor; `None` where the tensor is public.
    pub tensors: Vec<Option<Placement>>,
    /// By table.
    pub multiplicities: Vec<Placement>,
}

/// The shortest columns that the commitment scheme takes, and the tallest that a key may have.
pub const LOG_ROWS: std::ops::RangeInclusive<u32> = 10..=22;

impl Layout {
    /// The layout with the height that [`choose_log_rows`] picks.
    pub fn new(plan: &Plan) -> Self {
        Self::with_log_rows(plan, choose_log_rows(plan))
    }

    /// # Panics
    /// If `log_rows` is outside [`LOG_ROWS`].
    pub fn with_log_rows(plan: &Plan, log_rows: u32) -> Self {
        assert!(LOG_ROWS.contains(&log_rows), "column height 2^{log_rows}");
        // One entry per slab-bearing object: tensors, then multiplicities.
        struct Item {
            tree: Tree,
            slab_bits: u32,
            slabs: usize,
        }
        let tensors: Vec<Option<Item>> = plan
            .tensors
            .iter()
            .map(|t| {
                let tree = Tree::of(&t.source)?;
                Some(Item { tree, slab_bits: t.axes.slab_bits(), slabs: t.axes.slabs() })
            })
            .collect();
        let tables =
            plan.tables.iter().map(|t| Some(Item { tree: Tree::Trace, slab_bits: t.log_rows(), slabs: 1 }));
        let items: Vec<Option<Item>> = tensors.into_iter().chain(tables).collect();

        let mut placements: Vec<Option<Placement>> = vec![None; items.len()];
        let mut columns = [0; 3];
        for tree in Tree::ALL {
            let mut order: Vec<usize> =
                (0..items.len()).filter(|&i| items[i].as_ref().is_some_and(|x| x.tree == tree)).collect();
            // A stable sort: equal sizes keep the plan's order.
            order.sort_by_key(|&i| {
                std::cmp::Reverse(items[i].as_ref().expect("filtered").slab_bits.min(log_rows))
            });
            let mut at = 0usize;
            for i in order {
                let item = items[i].as_ref().expect("filtered");
                let bits = item.slab_bits.min(log_rows);
                let split = item.slab_bits - bits;
                let pieces = (0..item.slabs << split)
                    .map(|k| {
                        let row = at + (k << bits);
                        Piece { column: row >> log_rows, slot: (row & ((1 << log_rows) - 1)) >> bits }
                    })
                    .collect();
                at += (item.slabs << split) << bits;
                placements[i] = Some(Placement { tree, bits, split, pieces });
            }
            columns[tree as usize] = at.div_ceil(1 << log_rows);
        }
        columns[Tree::Weights as usize] = columns[Tree::Weights as usize].max(1);
        columns[Tree::Trace as usize] = columns[Tree::Trace as usize].max(1);
        let multiplicities = placements
            .split_off(plan.tensors.len())
            .into_iter()
            .map(|p| p.expect("tables are placed"))
            .collect();
        Self { log_rows, columns, tensors: placements, multiplicities }
    }

    /// Columns of one tree.
    pub fn columns_of(&self, tree: Tree) -> usize {
        self.columns[tree as usize]
    }

    pub fn total_columns(&self) -> usize {
        self.columns.iter().sum()
    }
}

/// Rows against columns: a query opens one value of every column, a taller column costs a longer path and FRI. Both are
/// balanced where a column is a few hundred times taller than the columns are many.
pub fn choose_log_rows(plan: &Plan) -> u32 {
    let committed: u64 = plan.tensors.iter().filter(|t| t.is_committed()).map(|t| t.axes.len() as u64).sum();
    let multiplicities: u64 = plan.tables.iter().map(|t| 1u64 << t.log_rows()).sum();
    let cells = committed + multiplicities;
    let fits = |b: &u32| cells.div_ceil(1 << b) <= 1 << (b - 8);
    LOG_ROWS.into_iter().find(fits).unwrap_or(*LOG_ROWS.end())
}
