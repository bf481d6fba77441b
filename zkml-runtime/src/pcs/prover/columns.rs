//! What an opening asks of whoever holds the columns.

use stwo::core::channel::MerkleChannel;
use stwo::core::circle::CirclePoint;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use super::open::ProveError;
use crate::pcs::component::MleEval;
use crate::pcs::layout::{COMPOSITION_COLUMNS, SUMS_COLUMNS};
use crate::pcs::proof::OpeningProof;
use crate::pcs::statement::Group;
use crate::pcs::F;

/// Committed columns, wherever they are kept. [`super::prove_columns`] runs the protocol over them, in the order of these
/// functions; each is called once, but for `round` and `bind`, which alternate.
pub trait Columns<M: MerkleChannel> {
    /// Columns of every tree.
    fn n_columns(&self) -> Vec<usize>;

    fn roots(&self) -> Vec<Blake2sHash>;

    /// Begins the sumcheck over all rows of `sum over groups and terms of weight * eq(point, lo) * column[slot, lo]`.
    fn start(&mut self, groups: &[Group]) -> Result<(), ProveError>;

    /// Coefficients 0 and 2 of the polynomial in the lowest variable that is not bound.
    fn round(&mut self) -> Result<[F; 2], ProveError>;

    /// Binds that variable.
    fn bind(&mut self, r: F) -> Result<(), ProveError>;

    /// Computes V and E on the trace rows, and the prefix sums of `V E - v / 2^b`. What these end in: zero if the claim holds.
    fn sums(&mut self, claim: &MleEval) -> Result<F, ProveError>;

    /// Commits to the prefix sums.
    fn commit_sums(&mut self) -> Result<Blake2sHash, ProveError>;

    /// Commits to the halves of the constraint's quotient.
    fn commit_composition(&mut self, claim: &MleEval) -> Result<Blake2sHash, ProveError>;

    /// Values of all columns at z, and of the prefix sums one row before it too.
    fn sample(&mut self, previous: CirclePoint<F>, z: CirclePoint<F>) -> Result<Samples, ProveError>;

    /// Runs stwo's FRI on the sum of these quotients: commits to its layers, grinds, draws the queries, and fills in what
    /// `proof` says of all this.
    fn answer(
        &mut self,
        channel: &mut M::C,
        batches: &[Batch],
        proof: &mut OpeningProof,
    ) -> Result<(), ProveError>;
}

/// Values of columns out of the domain.
pub struct Samples {
    /// By given tree.
    pub columns: Vec<Vec<F>>,
    /// By coordinate: one row before z, and at z.
    pub sums: [[F; 2]; SUMS_COLUMNS],
    pub composition: [F; COMPOSITION_COLUMNS],
}

/// The quotients of all samples at one point, `(sum over columns of weight * column - a y - b) / line(point)`.
pub struct Batch {
    pub point: CirclePoint<F>,
    /// Columns of the given trees, counted through, and their weights.
    pub given: Vec<(usize, F)>,
    /// Prefix sums, then the composition's halves, counted through.
    pub own: Vec<(usize, F)>,
    pub a: F,
    pub b: F,
}
