//! The rounds of the reduction, proven (see [`crate::pcs::reduction`]).

use num_traits::{One, Zero};
use rayon::prelude::*;
use stwo::core::channel::Channel;
use tracing::instrument;

use super::commit::CommittedTree;
use super::high::High;
use super::low::LowGroup;
use crate::pcs::reduction::{self, Round};
use crate::pcs::statement::Group;
use crate::pcs::F;
use crate::transcript::Transcript;

pub(super) struct Reduced {
    pub rounds: Vec<Round>,
    /// Low variable first.
    pub rho: Vec<F>,
    pub value: F,
}

#[instrument(skip_all)]
pub(super) fn prove<C: Channel>(
    t: &mut Transcript<C>,
    log_rows: usize,
    trees: &[&CommittedTree],
    groups: &[Group],
    claim: F,
) -> Reduced {
    reduction::begin(t, claim);
    let (without, with): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|g| g.point.is_empty());
    let mut high = High::default();
    without.into_iter().for_each(|group| high.enter(group, F::one()));
    let mut low: Vec<LowGroup<'_>> = with.into_par_iter().map(|group| LowGroup::new(group, trees)).collect();

    let mut reduced = Reduced { rounds: Vec::with_capacity(log_rows), rho: Vec::new(), value: claim };
    for _ in 0..log_rows {
        high.fold_columns(trees, &reduced.rho);
        let add = |a: Round, b: Round| [a[0] + b[0], a[1] + b[1]];
        let sum = low.par_iter().map(LowGroup::round).reduce(|| [F::zero(); 2], add);
        let round = add(sum, high.round());

        let r = reduction::challenge(t, &round);
        reduced.value = reduction::bind(reduced.value, round, r);
        reduced.rounds.push(round);
        reduced.rho.push(r);
        high.bind(r);
        low.par_iter_mut().for_each(|group| group.bind(r));
        low.retain(|group| {
            if group.is_bound() {
                high.enter(group.group, group.bound);
            }
            !group.is_bound()
        });
    }
    reduced
}
