use super::kernel::{evaluate, fold_and_evaluate, fold_last};
use super::layers::Arrays;
use super::prefix::{Prefix, Scratch};
use super::scalars::Scalars;
use super::source::{Source, View};
use super::split_eq::SplitEq;
use super::tree::unpack;
use crate::field::F;
use crate::gkr::GkrError;

/// A layer in memory during its sumcheck.
pub(super) struct InMemory<S, const N: usize> {
    stage: Stage<S, N>,
    /// None where all variables are within a vector.
    eq: Option<SplitEq>,
    /// The coordinates that are not bound, the next one first.
    z: Vec<F>,
}

enum Stage<S, const N: usize> {
    /// Not folded yet.
    Source(S),
    Folded(Prefix<N>),
    /// Only the variables within a vector are left.
    Scalars(Scalars<N>),
}

impl<const N: usize, S: Source<N>> InMemory<S, N> {
    pub fn new(source: S, z: &[F]) -> Self {
        match source.log_items() {
            0 => Self::scalars(unpack(&source.view(0, 1, &mut Scratch::new()).load(0)), z),
            _ => Self { stage: Stage::Source(source), eq: Some(SplitEq::new(z)), z: z.to_vec() },
        }
    }

    /// Rows of which the first variable tells the halves apart.
    pub fn scalars(rows: Vec<[F; N]>, z: &[F]) -> Self {
        Self { stage: Stage::Scalars(Scalars::new(rows, z)), eq: None, z: vec![] }
    }

    /// What a fold leaves, without the bound coordinate.
    fn advance(source: &impl Source<N>, r: F, eq: &SplitEq, z: &[F]) -> (Stage<S, N>, Option<[F; 2]>) {
        match source.log_items() {
            2.. => {
                let (folded, next) = fold_and_evaluate(source, r, eq);
                (Stage::Folded(folded), Some(next))
            }
            _ => (Stage::Scalars(Scalars::new(unpack(&fold_last(source, r)), z)), None),
        }
    }
}

impl<const N: usize, S: Source<N>> Arrays for InMemory<S, N> {
    fn evaluate(&mut self) -> Result<[F; 2], GkrError> {
        match (&mut self.stage, &self.eq) {
            (Stage::Source(s), Some(eq)) => Ok(evaluate(s, eq)),
            (Stage::Folded(s), Some(eq)) => Ok(evaluate(s, eq)),
            (Stage::Scalars(rows), _) => rows.evaluate(),
            _ => unreachable!("vectors have at least four variables"),
        }
    }

    fn bind(&mut self, r: F) -> Result<Option<[F; 2]>, GkrError> {
        let (stage, next) = match (&mut self.stage, &self.eq) {
            (Stage::Scalars(rows), _) => return rows.bind(r),
            (Stage::Source(s), Some(eq)) => Self::advance(s, r, eq, &self.z[1..]),
            (Stage::Folded(s), Some(eq)) => Self::advance(s, r, eq, &self.z[1..]),
            _ => unreachable!("vectors have at least four variables"),
        };
        self.stage = stage;
        self.z.remove(0);
        Ok(next)
    }

    fn values(&self) -> Vec<F> {
        match &self.stage {
            Stage::Scalars(rows) => rows.values(),
            _ => unreachable!("all variables are fixed"),
        }
    }
}
