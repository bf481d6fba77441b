use crate::field::packed::{MulConst, PackedF};
use crate::field::{eq_prefixes, eq_table, F};
use crate::gkr::shape::LANE_VARS;

/// Variables handled by the innermost loop.
const LOW_VARS: usize = 5;

/// The equality polynomial of one layer's point, cut in three: the variables within a vector, applied once a round; a
/// few low variables, constants of the inner loop; the others, applied once per inner loop. No table is longer than a
/// small fraction of the data (Gruen, eprint 2024/108, section 3, takes eq out of the round polynomials; the split is
/// Dao-Thaler, eprint 2024/1210).
pub(super) struct SplitEq {
    /// The variables that count vectors, most significant first.
    vectors: Vec<F>,
    /// `high[b]`: eq over the b most significant of them.
    high: Vec<Vec<F>>,
    lanes: PackedF,
}

/// The part for one round, over the variables that follow.
pub(super) struct RoundEq<'a> {
    pub low: Vec<MulConst>,
    pub high: &'a [F],
    /// The remaining vector variables, most significant first.
    pub point: &'a [F],
    pub lanes: &'a PackedF,
}

impl SplitEq {
    /// A point of at least [`LANE_VARS`] coordinates, in the order of the rounds.
    pub fn new(z: &[F]) -> Self {
        let (vectors, lanes) = z.split_at(z.len() - LANE_VARS);
        let vectors: Vec<F> = vectors.iter().rev().copied().collect();
        let lanes = eq_table(lanes).try_into().expect("sixteen lanes");
        let high = eq_prefixes(&vectors[..vectors.len().saturating_sub(1 + LOW_VARS)]);
        Self { high, lanes: PackedF::from_array(&lanes), vectors }
    }

    /// eq over the last `vars` vector variables.
    pub fn round(&self, vars: usize) -> RoundEq<'_> {
        let low_vars = vars.min(LOW_VARS);
        let point = &self.vectors[..vars];
        let low = eq_table(&point[vars - low_vars..]).into_iter().map(MulConst::new).collect();
        RoundEq { low, high: &self.high[vars - low_vars], point, lanes: &self.lanes }
    }
}
