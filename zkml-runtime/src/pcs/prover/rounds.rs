//! The rounds of the reduction, proven (see [`crate::pcs::reduction`]).

use stwo::core::channel::MerkleChannel;
use tracing::instrument;

use super::columns::Columns;
use super::open::ProveError;
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
pub(super) fn prove<M: MerkleChannel>(
    t: &mut Transcript<M::C>,
    log_rows: usize,
    columns: &mut impl Columns<M>,
    groups: &[Group],
    claim: F,
) -> Result<Reduced, ProveError> {
    reduction::begin(t, claim);
    columns.start(groups)?;
    let mut reduced = Reduced { rounds: Vec::with_capacity(log_rows), rho: Vec::new(), value: claim };
    for _ in 0..log_rows {
        let round = columns.round()?;
        let r = reduction::challenge(t, &round);
        reduced.value = reduction::bind(reduced.value, round, r);
        reduced.rounds.push(round);
        reduced.rho.push(r);
        columns.bind(r)?;
    }
    Ok(reduced)
}
