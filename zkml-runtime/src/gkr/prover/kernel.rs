//! The passes over the data: evaluate a round, or fold one and evaluate the next.
//!
//! A round's polynomial is `eq_bound * eq(z, X) * q(X)` with q quadratic (Gruen, eprint 2024/108, section 3), so a pass
//! computes `q(0)` and `q(inf)`, q's leading coefficient, and the claim gives the rest.

use num_traits::{One, Zero};
use rayon::prelude::*;

use super::prefix::{Prefix, Scratch};
use super::source::{ahead, gate_scalar, gates, Source, View};
use super::split_eq::{RoundEq, SplitEq};
use crate::field::packed::{LazyAcc, MulConst, PackedF};
use crate::field::{prefix_eq_sum, F};

/// Inner loops that are worth a task of their own.
const MIN_BLOCKS: usize = 8;
/// Pairs that are viewed at once: what a source computes for them stays in the innermost cache.
const PAIRS: usize = 8;

type Sums = [PackedF; 2];

/// `[q(0), q(inf)]` of the first variable.
pub(super) fn evaluate<const N: usize>(source: &impl Source<N>, eq: &SplitEq) -> [F; 2] {
    let (pairs, vars) = (source.stored() / 2, source.log_items() as usize - 1);
    let eq = eq.round(vars);
    let size = eq.low.len();
    let sums = (0..pairs.div_ceil(size)).into_par_iter().with_min_len(MIN_BLOCKS).map_init(
        Scratch::new,
        |s, block| {
            let first = block * size;
            let count = size.min(pairs - first);
            let mut acc = [LazyAcc::default(); 2];
            for (k, low) in eq.low[..count].chunks(PAIRS).enumerate() {
                let view = source.view(2 * (first + PAIRS * k), 2 * low.len(), s);
                for (i, e) in low.iter().enumerate() {
                    let [q0, q_inf] = view.gates(i);
                    acc[0].mac(e, &q0);
                    acc[1].mac(e, &q_inf);
                }
            }
            weighted(acc, eq.high[block])
        },
    );
    finish(sums.reduce(zero, plus), &eq, pairs, source.tail())
}

/// Fixes the first variable to r; in the same pass evaluates the next round as [`evaluate`] does.
pub(super) fn fold_and_evaluate<const N: usize>(
    source: &impl Source<N>,
    r: F,
    eq: &SplitEq,
) -> (Prefix<N>, [F; 2]) {
    let (pairs, log_items) = (source.stored() / 4, source.log_items() - 1);
    let mut folded = Prefix::new(2 * pairs, source.tail(), log_items);
    let eq = eq.round(log_items as usize - 1);
    let r = MulConst::new(r);
    let size = eq.low.len();
    let blocks = folded.items_mut()[..2 * pairs].par_chunks_mut(2 * size).enumerate();
    let sums = blocks.with_min_len(MIN_BLOCKS).map_init(Scratch::new, |s, (block, out)| {
        let mut acc = [LazyAcc::default(); 2];
        for (k, (low, out)) in eq.low.chunks(PAIRS).zip(out.chunks_mut(2 * PAIRS)).enumerate() {
            let view = source.view(4 * (size * block + PAIRS * k), 2 * out.len(), s);
            for (i, (e, pair)) in low.iter().zip(out.as_chunks_mut::<2>().0).enumerate() {
                ahead(pair);
                let [a, b] = pair;
                view.fold_into(2 * i, &r, a);
                view.fold_into(2 * i + 1, &r, b);
                let [q0, q_inf] = gates(a, b);
                acc[0].mac(e, &q0);
                acc[1].mac(e, &q_inf);
            }
        }
        weighted(acc, eq.high[block])
    });
    let sums = sums.reduce(zero, plus);
    let next = finish(sums, &eq, pairs, source.tail());
    (folded, next)
}

/// The item that two items fold to.
pub(super) fn fold_last<const N: usize>(source: &impl Source<N>, r: F) -> [PackedF; N] {
    let mut out = [PackedF::ZERO; N];
    source.view(0, 2, &mut Scratch::new()).fold_into(0, &MulConst::new(r), &mut out);
    out
}

/// [`evaluate`] on scalars: the first variable tells the halves apart, `rest` weights the others.
pub(super) fn evaluate_scalars<const N: usize>(rows: &[[F; N]], rest: &[F]) -> [F; 2] {
    let (low, high) = rows.split_at(rows.len() / 2);
    let mut sums = [F::zero(); 2];
    for ((a, b), e) in low.iter().zip(high).zip(rest) {
        let d = std::array::from_fn(|t| b[t] - a[t]);
        sums[0] += *e * gate_scalar(a);
        sums[1] += *e * gate_scalar::<N>(&d);
    }
    sums
}

#[inline(always)]
fn weighted(acc: [LazyAcc; 2], high: F) -> Sums {
    let high = MulConst::new(high);
    [high.times(&acc[0].finish()), high.times(&acc[1].finish())]
}

fn zero() -> Sums {
    [PackedF::ZERO; 2]
}

fn plus(a: Sums, b: Sums) -> Sums {
    [a[0] + b[0], a[1] + b[1]]
}

/// Sums up the lanes and adds the tail. On equal items q is constant, and eq sums to `1 - prefix` over the pairs that
/// were not visited.
fn finish<const N: usize>(sums: Sums, eq: &RoundEq<'_>, pairs: usize, tail: [F; N]) -> [F; 2] {
    let [q0, q_inf] = sums.map(|s| s.times(eq.lanes).sum());
    let rest = F::one() - prefix_eq_sum(eq.point, pairs as u64);
    [q0 + rest * gate_scalar(&tail), q_inf]
}
