use super::{GkrError, Tree};
use crate::field::F;

/// Numerators are counted modulo p: no tree may have `2^31` leaves.
pub const MAX_LOG_LEAVES: u32 = 30;
/// A tree has at least two vectors, so that at least its leaves are always worked on as vectors.
const MIN_LOG_LEAVES: u32 = 5;
/// Variables within a vector, bound last.
pub(super) const LANE_VARS: usize = 4;

/// What both sides know of the trees: how many leaves belong to a block. It fixes the number of layers and rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GkrShape {
    pub lookup_leaves: u64,
    pub table_leaves: u64,
}

impl GkrShape {
    /// The shape of two lists of blocks, each block given by the logarithm of its size.
    pub fn of_blocks(
        lookups: impl IntoIterator<Item = u32>,
        tables: impl IntoIterator<Item = u32>,
    ) -> Result<Self, GkrError> {
        let shape = Self {
            lookup_leaves: count(Tree::Lookups, lookups)?,
            table_leaves: count(Tree::Tables, tables)?,
        };
        shape.depths()?;
        Ok(shape)
    }

    /// Elements of a proof of this shape.
    pub fn proof_len(&self) -> Result<usize, GkrError> {
        let depths = self.depths()?;
        let layers = (0..depths.layers()).map(|layer| {
            let masks: usize = [Tree::Lookups, Tree::Tables].iter().map(|&t| depths.mask_len(t, layer)).sum();
            3 * layer + masks
        });
        Ok(4 + layers.sum::<usize>())
    }

    /// Sumchecks of a proof: layer k has k rounds.
    pub fn layers(&self) -> Result<usize, GkrError> {
        Ok(self.depths()?.layers())
    }

    /// log2 of the leaves of the lookup tree and of the table tree, their tails included.
    pub fn log_leaves(&self) -> Result<[u32; 2], GkrError> {
        let depths = self.depths()?;
        Ok([depths.lookups as u32, depths.tables as u32])
    }

    pub(super) fn depths(&self) -> Result<Depths, GkrError> {
        let log = |tree, live: u64| match live {
            0 => Err(GkrError::Empty(tree)),
            live if live > 1 << MAX_LOG_LEAVES => Err(GkrError::TooManyLeaves { tree, got: live }),
            live => Ok(live.next_power_of_two().ilog2().max(MIN_LOG_LEAVES) as usize),
        };
        Ok(Depths {
            lookups: log(Tree::Lookups, self.lookup_leaves)?,
            tables: log(Tree::Tables, self.table_leaves)?,
        })
    }
}

/// Adds up block sizes, checking that they descend.
fn count(tree: Tree, blocks: impl IntoIterator<Item = u32>) -> Result<u64, GkrError> {
    let (mut total, mut last) = (0u64, MAX_LOG_LEAVES);
    for (block, log_len) in blocks.into_iter().enumerate() {
        if log_len > last {
            return Err(GkrError::BlockOrder { block, expected: last, got: log_len });
        }
        last = log_len;
        total = total.saturating_add(1 << log_len);
        if total > 1 << MAX_LOG_LEAVES {
            return Err(GkrError::TooManyLeaves { tree, got: total });
        }
    }
    Ok(total)
}

/// log2 of the number of leaves of each tree, the public tail included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Depths {
    pub lookups: usize,
    pub tables: usize,
}

impl Depths {
    pub fn of(&self, tree: Tree) -> usize {
        match tree {
            Tree::Lookups => self.lookups,
            Tree::Tables => self.tables,
        }
    }

    /// Layer k's sumcheck has k variables.
    pub fn layers(&self) -> usize {
        self.lookups.max(self.tables)
    }

    /// The variables of this tree in a layer, if it takes part: both trees end in the same layer.
    pub fn own_vars(&self, tree: Tree, layer: usize) -> Option<usize> {
        (layer + self.of(tree)).checked_sub(self.layers())
    }

    /// Does a layer's sumcheck run over lookup leaves?
    pub fn ends_in_leaves(&self, tree: Tree, layer: usize) -> bool {
        tree == Tree::Lookups && layer + 1 == self.layers()
    }

    /// Values sent for this tree at the end of a layer: both children, `[n0, n1, d0, d1]`. The numerators of the lookup
    /// tree's leaves are one and are not sent.
    pub fn mask_len(&self, tree: Tree, layer: usize) -> usize {
        match self.own_vars(tree, layer) {
            None => 0,
            Some(_) if self.ends_in_leaves(tree, layer) => 2,
            Some(_) => 4,
        }
    }
}

/// Does a tree with `own` variables take part in this round of a sumcheck over `vars`? The variables that count vectors
/// come with the first rounds, those within a vector with the last, so equal bits get equal challenges.
pub(super) fn in_round(round: usize, vars: usize, own: usize) -> bool {
    round < own.saturating_sub(LANE_VARS) || round >= vars - own.min(LANE_VARS)
}

/// The challenges of the rounds in which a tree with `own` variables took part.
pub(super) fn own_rounds(challenges: &[F], own: usize) -> impl Iterator<Item = F> + '_ {
    let vars = challenges.len();
    challenges.iter().enumerate().filter(move |(round, _)| in_round(*round, vars, own)).map(|(_, &r)| r)
}

/// A point in the order of the rounds, as one with the most significant bit first.
pub(super) fn most_significant_first(mut point: Vec<F>) -> Vec<F> {
    let vectors = point.len().saturating_sub(LANE_VARS);
    point[..vectors].reverse();
    point
}
