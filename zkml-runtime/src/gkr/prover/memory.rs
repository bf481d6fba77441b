//! Trees in memory.

use num_traits::{One, Zero};

use super::arrays::InMemory;
use super::layers::{Arrays, Gate, Layers};
use super::leaves::Leaves;
use super::source::{LayerSource, LeafSource, PairSource};
use super::tree::{self, Layer, LeafPairs};
use super::{LeafBlock, TableBlock};
use crate::field::F;
use crate::gkr::shape::Depths;
use crate::gkr::{Fraction, GkrError};

/// A tree whose layers are freed when they have been given out.
pub(super) struct InMemoryTree<'a> {
    root: Fraction,
    /// Layers not yet given out, the lowest first.
    layers: Vec<Layer<'a>>,
    /// The one that is.
    current: Option<Layer<'a>>,
    /// What is below the lowest: the lookup tree's leaves.
    leaves: Option<&'a Leaves<'a>>,
}

impl<'a> InMemoryTree<'a> {
    pub fn lookups(leaves: &'a Leaves<'a>) -> Self {
        Self::new(tree::above_lookups(leaves), Some(leaves))
    }

    pub fn tables(tables: &[TableBlock<'_>], depths: &Depths) -> Self {
        let denominators: Vec<LeafBlock<'_>> = tables.iter().map(|b| b.leaves.clone()).collect();
        let numerators: Vec<LeafBlock<'_>> = tables
            .iter()
            .map(|b| LeafBlock {
                log_len: b.leaves.log_len,
                constant: F::zero(),
                columns: vec![(F::one(), b.multiplicity)],
                bytes: vec![],
            })
            .collect();
        let layers = tree::above_tables(
            &Leaves::new(&numerators, F::zero(), depths.tables),
            &Leaves::new(&denominators, F::one(), depths.tables),
        );
        Self::new(layers, None)
    }

    fn new(mut layers: Vec<Layer<'a>>, leaves: Option<&'a Leaves<'a>>) -> Self {
        let root = match layers.pop() {
            Some(Layer::Scalar(v)) => Fraction { numerator: v[0][0], denominator: v[0][1] },
            _ => unreachable!("the root is one fraction"),
        };
        Self { root, layers, current: None, leaves }
    }
}

impl Layers for InMemoryTree<'_> {
    fn root(&self) -> Fraction {
        self.root
    }

    fn next<'s>(&'s mut self, z: &[F], gate: Gate) -> Result<Box<dyn Arrays + 's>, GkrError> {
        // Its memory is free before the arrays take theirs.
        self.current = None;
        let lambda = match gate {
            Gate::Leaves { mu } => {
                let leaves = self.leaves.expect("lookups have leaves").plus(mu);
                return Ok(Box::new(InMemory::new(LeafSource { leaves }, z)));
            }
            Gate::Fractions { lambda } => lambda,
        };
        let layer = self.layers.pop().expect("a layer for each sumcheck");
        Ok(match self.current.insert(layer) {
            Layer::Pairs(leaves) => {
                Box::new(InMemory::new(PairSource { pairs: LeafPairs { leaves }, lambda }, z))
            }
            Layer::Packed(layer) => Box::new(InMemory::new(LayerSource { layer, lambda }, z)),
            Layer::Scalar(v) => {
                let (low, high) = v.split_at(v.len() / 2);
                let row = |(&[n0, d0], &[n1, d1]): (&[F; 2], &[F; 2])| [n0, n1 + lambda * d1, d0, d1];
                let rows = low.iter().zip(high).map(row).collect();
                Box::new(InMemory::<LayerSource<'_>, 4>::scalars(rows, z))
            }
        })
    }
}
