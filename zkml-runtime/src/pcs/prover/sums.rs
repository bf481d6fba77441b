//! Prefix sums of `V E - v / 2^b` along the trace coset, and the columns they are made of.

use num_traits::Zero;
use rayon::prelude::*;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::prefix_sum::inclusive_prefix_sum;
use stwo::prover::backend::simd::qm31::PackedSecureField;
use tracing::instrument;

use super::commit::CommittedTree;
use super::kernels::{packed_len, weighted_sum, Weighted};
use super::packed::{eq_table, to_coordinates};
use crate::pcs::component::MleEval;
use crate::pcs::F;

/// Columns of the extension field on the trace domain, by coordinates.
pub(super) struct TraceColumns {
    pub v: [BaseColumn; 4],
    pub e: [BaseColumn; 4],
    pub sums: Vec<BaseColumn>,
    /// `sum_x V(x) E(x) - v`: zero if the claim holds.
    pub excess: F,
}

#[instrument(skip_all)]
pub(super) fn columns(claim: &MleEval, trees: &[&CommittedTree]) -> TraceColumns {
    let weighted = trees.iter().zip(&claim.coefficients).flat_map(|(tree, coefficients)| {
        tree.columns
            .iter()
            .zip(coefficients)
            .map(|(column, &weight)| Weighted { cells: column.cells(), weight })
    });
    let terms: Vec<Weighted<'_>> = weighted.filter(|term| !term.weight.is_zero()).collect();
    let v = weighted_sum(packed_len(claim.log_rows as usize), &terms);
    let e = eq_table(&claim.index_point());
    let mean = PackedSecureField::broadcast(claim.value * claim.rows_inverse());
    let steps: Vec<PackedSecureField> = v.par_iter().zip(&e).map(|(&v, &e)| v * e - mean).collect();
    let total = steps.iter().fold(PackedSecureField::zero(), |sum, &step| sum + step);
    let sums = to_coordinates(steps).into_par_iter().map(inclusive_prefix_sum).collect::<Vec<_>>();
    TraceColumns {
        v: to_coordinates(v),
        e: to_coordinates(e),
        sums,
        excess: total.to_array().into_iter().sum(),
    }
}
