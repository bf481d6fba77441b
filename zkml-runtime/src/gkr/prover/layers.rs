//! What the protocol asks of trees, wherever they are kept.

use crate::field::F;
use crate::gkr::{Fraction, GkrError};

/// A tree of fractions, given out layer by layer from the root down.
pub trait Layers {
    fn root(&self) -> Fraction;

    /// The next layer's arrays for a sumcheck at `z`, in the order of the rounds. What was given out before is over.
    fn next<'s>(&'s mut self, z: &[F], gate: Gate) -> Result<Box<dyn Arrays + 's>, GkrError>;
}

/// What a sumcheck sums over a layer's pairs of neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gate {
    /// Of lookup leaves `1 / d`, over `[d0 + mu, d1 + mu]`: their product.
    Leaves { mu: F },
    /// Of fractions, over `[n0, n1 + lambda d1, d0, d1]`: `n0 d1 + n1' d0`.
    Fractions { lambda: F },
}

/// The arrays that a sumcheck runs over, in whatever form they have by now.
pub trait Arrays {
    /// `[q(0), q(inf)]` of the next variable, weighted by eq over those after it: q is the sum of the gate. Asked for once,
    /// before the first [`Arrays::bind`], and after each that gave nothing.
    fn evaluate(&mut self) -> Result<[F; 2], GkrError>;

    /// Fixes the next variable; gives the following round's evaluations where they came in the same pass.
    fn bind(&mut self, r: F) -> Result<Option<[F; 2]>, GkrError>;

    /// Each array's value, once all variables are fixed.
    fn values(&self) -> Vec<F>;
}
