//! Claims whose low variables are bound: per column, a few weighted slots and the column folded at the challenges.

use std::collections::BTreeMap;

use num_traits::Zero;
use rayon::prelude::*;
use stwo::prover::backend::simd::m31::LOG_N_LANES;

use super::column::Column as Committed;
use super::commit::CommittedTree;
use super::kernels::{fold, FoldWeights};
use super::packed::eq_table;
use crate::pcs::reduction::Round;
use crate::pcs::statement::Group;
use crate::pcs::F;

/// The low variables that one pass over a column binds. The weights of a pass fit in the first-level cache.
const PASS: usize = 8;

#[derive(Default)]
struct Column {
    /// Slot and weight, by slot.
    weights: BTreeMap<usize, F>,
    /// The column at the challenges so far, once a slot needs it.
    values: Option<Vec<F>>,
}

/// Columns by tree and index.
#[derive(Default)]
pub(super) struct High(BTreeMap<(usize, usize), Column>);

impl High {
    /// Takes in a group whose point is bound.
    pub fn enter(&mut self, group: &Group, bound: F) {
        for term in &group.terms {
            let column = self.0.entry((term.tree, term.column)).or_default();
            *column.weights.entry(term.slot).or_insert_with(F::zero) += term.weight * bound;
        }
    }

    /// Folds the columns that have newly come in. `rho` are the challenges so far, low variable first.
    pub fn fold_columns(&mut self, trees: &[&CommittedTree], rho: &[F]) {
        let new: Vec<_> = self.0.iter_mut().filter(|(_, column)| column.values.is_none()).collect();
        if new.is_empty() {
            return;
        }
        let weights = fold_weights(rho);
        new.into_par_iter().for_each(|(&(tree, index), column)| {
            column.values = Some(fold_column(&trees[tree].columns[index], weights.as_ref(), rho));
        });
    }

    /// `s(X) = sum over slot pairs of (w0 + (w1 - w0) X)(c0 + (c1 - c0) X)`.
    pub fn round(&self) -> Round {
        let mut round = [F::zero(); 2];
        for column in self.0.values() {
            let values = column.values.as_ref().expect("columns are folded before they are summed");
            for (slot, [w0, w1]) in pairs(&column.weights) {
                let [c0, c1] = [values[2 * slot], values[2 * slot + 1]];
                round[0] += w0 * c0;
                round[1] += (w1 - w0) * (c1 - c0);
            }
        }
        round
    }

    pub fn bind(&mut self, r: F) {
        let bind = |column: &mut Column| {
            let weights = pairs(&column.weights).map(|(slot, [w0, w1])| (slot, w0 + r * (w1 - w0))).collect();
            column.weights = weights;
            if let Some(values) = &mut column.values {
                bind_lowest(values, r);
            }
        };
        // Columns are long only while few variables are bound.
        let cells: usize = self.0.values().filter_map(|c| c.values.as_ref()).map(Vec::len).sum();
        if cells > 1 << 12 {
            self.0.par_iter_mut().for_each(|(_, column)| bind(column));
        } else {
            self.0.values_mut().for_each(bind);
        }
    }
}

/// Slots `2i` and `2i + 1` together, absent ones as zero.
fn pairs(weights: &BTreeMap<usize, F>) -> impl Iterator<Item = (usize, [F; 2])> + '_ {
    let mut slots = weights.iter().peekable();
    std::iter::from_fn(move || {
        let (&slot, &weight) = slots.next()?;
        let mut pair = [F::zero(); 2];
        pair[slot & 1] = weight;
        if let Some((_, &weight)) = slots.next_if(|(&next, _)| next == slot ^ 1) {
            pair[1] = weight;
        }
        Some((slot >> 1, pair))
    })
}

fn bind_lowest(values: &mut Vec<F>, r: F) {
    let half = values.len() / 2;
    for i in 0..half {
        let (a, b) = (values[2 * i], values[2 * i + 1]);
        values[i] = a + r * (b - a);
    }
    values.truncate(half);
}

/// Weights of the first pass, if it binds enough variables for packed arithmetic.
fn fold_weights(rho: &[F]) -> Option<FoldWeights> {
    let first: Vec<F> = rho[..rho.len().min(PASS)].iter().rev().copied().collect();
    (first.len() >= LOG_N_LANES as usize).then(|| FoldWeights::new(&eq_table(&first)))
}

fn fold_column(column: &Committed, weights: Option<&FoldWeights>, rho: &[F]) -> Vec<F> {
    let (mut values, rest) = match weights {
        Some(weights) => (fold(column.cells(), weights), &rho[rho.len().min(PASS)..]),
        None => ((0..column.rows()).map(|row| F::from(column.get(row))).collect(), rho),
    };
    rest.iter().for_each(|&r| bind_lowest(&mut values, r));
    values
}
