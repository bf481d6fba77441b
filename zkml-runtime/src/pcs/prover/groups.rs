//! The reduction's sumcheck over columns in memory (see [`crate::pcs::reduction`]).

use num_traits::{One, Zero};
use rayon::prelude::*;

use super::commit::CommittedTree;
use super::high::High;
use super::low::LowGroup;
use crate::pcs::reduction::Round;
use crate::pcs::statement::Group;
use crate::pcs::F;

/// Groups of claims while variables are bound: those with free low variables, and the columns of the others.
#[derive(Default)]
pub(super) struct Groups {
    low: Vec<LowGroup>,
    high: High,
    /// Low variable first.
    rho: Vec<F>,
}

impl Groups {
    pub fn new(groups: &[Group], trees: &[&CommittedTree]) -> Self {
        let (without, with): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|g| g.point.is_empty());
        let mut high = High::default();
        without.into_iter().for_each(|group| high.enter(group, F::one()));
        let low = with.into_par_iter().map(|group| LowGroup::new(group.clone(), trees)).collect();
        Self { low, high, rho: vec![] }
    }

    pub fn round(&mut self, trees: &[&CommittedTree]) -> Round {
        self.high.fold_columns(trees, &self.rho);
        let add = |a: Round, b: Round| [a[0] + b[0], a[1] + b[1]];
        let sum = self.low.par_iter().map(LowGroup::round).reduce(|| [F::zero(); 2], add);
        add(sum, self.high.round())
    }

    pub fn bind(&mut self, r: F) {
        self.rho.push(r);
        self.high.bind(r);
        self.low.par_iter_mut().for_each(|group| group.bind(r));
        for group in self.low.extract_if(.., |group| group.is_bound()) {
            self.high.enter(&group.group, group.bound);
        }
    }
}
