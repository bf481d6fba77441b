//! Verifies an opening: its shape, the reduction of the claims to one, and the STARK for that one.

use stwo::core::fields::m31::{BaseField, P};
use stwo::core::vcs::blake2_hash::Blake2sHash;
use tracing::instrument;

use super::component::MleEval;
use super::error::{OpeningError, Part};
use super::layout::Layout;
use super::proof::OpeningProof;
use super::statement::{self, Group, Params, StatementError};
use super::{reduction, stark, F};
use crate::transcript::Transcript;

/// Accepts if `claim = sum over groups and terms of weight * sum over lo of eq(point, lo) * column[slot * 2^t + lo]`
/// for the columns committed under `roots`.
///
/// The transcript must already hold the roots, and everything that points, weights and claim derive from.
#[instrument(skip_all)]
pub fn verify_opening(
    t: &mut Transcript,
    params: &Params,
    roots: &[Blake2sHash],
    n_columns: &[usize],
    groups: &[Group],
    claim: F,
    proof: &OpeningProof,
) -> Result<(), OpeningError> {
    params.check()?;
    if roots.len() != n_columns.len() {
        return Err(StatementError::Trees { expected: roots.len(), got: n_columns.len() }.into());
    }
    statement::check(params, n_columns, groups)?;
    let layout = Layout::new(params, n_columns);
    check_lengths(&layout, n_columns, proof)?;
    check_canonical(proof)?;

    let (rho, value) = reduction::replay(t, &proof.rounds, claim);
    let coefficients = reduction::coefficients(groups, &rho, n_columns);
    let claim = MleEval { log_rows: params.log_rows, coefficients, rho, value };
    stark::verify(t, params, &layout, roots, &claim, proof)
}

/// Every length but those that depend on the queries.
fn check_lengths(layout: &Layout, n_columns: &[usize], proof: &OpeningProof) -> Result<(), OpeningError> {
    expect(Part::Rounds, layout.rounds, proof.rounds.len())?;
    expect(Part::SampledTrees, n_columns.len(), proof.samples.len())?;
    for (tree, (&expected, samples)) in n_columns.iter().zip(&proof.samples).enumerate() {
        expect(Part::Samples { tree }, expected, samples.len())?;
    }
    expect(Part::FriLayers, layout.fri_layers.len(), proof.fri_layers.len())?;
    expect(Part::LastLayer, layout.last_layer, proof.last_layer.len())?;
    expect(Part::QueriedTrees, layout.columns.len(), proof.queried.len())?;
    for (tree, (&expected, columns)) in layout.columns.iter().zip(&proof.queried).enumerate() {
        expect(Part::QueriedColumns { tree }, expected, columns.len())?;
    }
    expect(Part::Paths, layout.columns.len(), proof.paths.len())
}

pub(super) fn expect(part: Part, expected: usize, got: usize) -> Result<(), OpeningError> {
    if expected != got {
        return Err(OpeningError::Length { part, expected, got });
    }
    Ok(())
}

/// A word of p would be zero, and yet unequal to zero; larger ones overflow. The wire format lets none through, but
/// a proof can also be built in memory.
fn check_canonical(proof: &OpeningProof) -> Result<(), OpeningError> {
    canonical(Part::Rounds, proof.rounds.as_flattened())?;
    for (tree, samples) in proof.samples.iter().enumerate() {
        canonical(Part::Samples { tree }, samples)?;
    }
    let tree = proof.samples.len();
    canonical(Part::Samples { tree }, proof.sums_samples.as_flattened())?;
    canonical(Part::Samples { tree: tree + 1 }, &proof.composition_samples)?;
    for (layer, fri) in proof.fri_layers.iter().enumerate() {
        canonical(Part::FriWitness { layer }, &fri.witness)?;
    }
    canonical(Part::LastLayer, &proof.last_layer)?;
    for (tree, columns) in proof.queried.iter().enumerate() {
        for (column, values) in columns.iter().enumerate() {
            canonical_words(Part::QueriedValues { tree, column }, values.iter().copied())?;
        }
    }
    Ok(())
}

fn canonical(part: Part, felts: &[F]) -> Result<(), OpeningError> {
    canonical_words(part, felts.iter().flat_map(|felt| felt.to_m31_array()))
}

fn canonical_words(part: Part, mut words: impl Iterator<Item = BaseField>) -> Result<(), OpeningError> {
    if words.any(|word| word.0 >= P) {
        return Err(OpeningError::NotCanonical { part });
    }
    Ok(())
}
