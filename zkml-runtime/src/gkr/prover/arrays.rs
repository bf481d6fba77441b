use super::kernel::{evaluate, evaluate_scalars, fold_and_evaluate, fold_last};
use super::prefix::{Prefix, Scratch};
use super::source::{Source, View};
use super::split_eq::SplitEq;
use super::tree::unpack;
use crate::field::{lerp, F};

/// The arrays that a sumcheck runs over, in whatever form they have by now.
pub(super) trait Arrays {
    /// `[q(0), q(inf)]` of the next variable; `rest` is eq over the scalar variables after it. Only before the first
    /// [`Arrays::bind`] and where that gave nothing.
    fn evaluate(&self, eq: Option<&SplitEq>, rest: &[F]) -> [F; 2];
    /// Fixes the next variable; gives the following round's evaluations where they came in the same pass.
    fn bind(&mut self, r: F, eq: Option<&SplitEq>) -> Option<[F; 2]>;
    /// Each array's value, once all variables are fixed.
    fn values(&self) -> &[F];
}

pub(super) enum Stage<S, const N: usize> {
    /// Not folded yet.
    Source(S),
    Folded(Prefix<N>),
    /// Only the variables within a vector are left.
    Scalars(Vec<[F; N]>),
}

impl<const N: usize, S: Source<N>> Stage<S, N> {
    pub fn new(source: S) -> Self {
        match source.log_items() {
            0 => Stage::Scalars(unpack(&source.view(0, 1, &mut Scratch::new()).load(0))),
            _ => Stage::Source(source),
        }
    }
}

/// What a fold leaves.
fn advance<S, const N: usize>(
    source: &impl Source<N>,
    r: F,
    eq: Option<&SplitEq>,
) -> (Stage<S, N>, Option<[F; 2]>) {
    match (eq, source.log_items()) {
        (Some(eq), 2..) => {
            let (folded, next) = fold_and_evaluate(source, r, eq);
            (Stage::Folded(folded), Some(next))
        }
        _ => (Stage::Scalars(unpack(&fold_last(source, r))), None),
    }
}

impl<const N: usize, S: Source<N>> Arrays for Stage<S, N> {
    fn evaluate(&self, eq: Option<&SplitEq>, rest: &[F]) -> [F; 2] {
        match (self, eq) {
            (Stage::Source(s), Some(eq)) => evaluate(s, eq),
            (Stage::Folded(s), Some(eq)) => evaluate(s, eq),
            (Stage::Scalars(rows), _) => evaluate_scalars(rows, rest),
            _ => unreachable!("vectors have at least four variables"),
        }
    }

    fn bind(&mut self, r: F, eq: Option<&SplitEq>) -> Option<[F; 2]> {
        let (stage, next) = match self {
            Stage::Source(s) => advance(s, r, eq),
            Stage::Folded(s) => advance(s, r, eq),
            Stage::Scalars(rows) => {
                let (low, high) = rows.split_at(rows.len() / 2);
                let fold = |(a, b): (&[F; N], &[F; N])| std::array::from_fn(|t| lerp(a[t], b[t], r));
                (Stage::Scalars(low.iter().zip(high).map(fold).collect()), None)
            }
        };
        *self = stage;
        next
    }

    fn values(&self) -> &[F] {
        match self {
            Stage::Scalars(rows) if rows.len() == 1 => &rows[0],
            _ => unreachable!("all variables are fixed"),
        }
    }
}
