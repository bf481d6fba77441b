//! The polynomial that FRI tests: all samples of all columns in one.

use num_traits::Zero;
use stwo::core::pcs::quotients::{
    build_samples_with_randomness_and_periodicity, quotient_constants, ColumnSampleBatch, PointSample,
};
use stwo::core::pcs::TreeVec;
use stwo::prover::backend::simd::m31::N_LANES;
use stwo::prover::backend::simd::qm31::PackedSecureField;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::pcs::quotient_ops::AccumulatedNumerators;
use stwo::prover::poly::circle::SecureEvaluation;
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::secure_column::SecureColumnByCoords;
use stwo::prover::QuotientOps;
use tracing::instrument;

use super::commit::Tree;
use super::context::ProverContext;
use super::kernels::{weighted_sum, Weighted};
use super::packed::to_coordinates;
use crate::pcs::F;

/// For each sample point `z`, `sum over columns of alpha^i (c f - a y - b) / line(z)`, extended from the first `2^b`
/// points of the evaluation domain (see stwo's `fri_answers`, which is the verifier's side of it).
#[instrument(skip_all)]
pub(super) fn combine(
    ctx: &ProverContext,
    trees: &[&Tree],
    samples: Vec<Vec<Vec<PointSample>>>,
    alpha: F,
) -> SecureEvaluation<SimdBackend, BitReversedOrder> {
    let log_domain = ctx.params().log_domain();
    let log_sizes = trees.iter().map(|tree| tree.polynomials.iter().map(|_| log_domain)).collect();
    let samples = TreeVec::new(samples);
    let weighted = build_samples_with_randomness_and_periodicity(&samples, log_sizes, log_domain, alpha);
    let batches = ColumnSampleBatch::new_vec(&weighted.iter().flatten().collect::<Vec<_>>());

    let columns: Vec<_> = trees
        .iter()
        .flat_map(|tree| &tree.polynomials)
        .map(|poly| poly.evals.values.data.as_slice())
        .collect();
    let n_packed = (1usize << ctx.params().log_rows) / N_LANES;
    let lines = quotient_constants(&batches).line_coeffs;
    let numerators = batches.iter().zip(&lines).map(|(batch, lines)| {
        let terms: Vec<Weighted<'_>> = batch
            .cols_vals_randpows
            .iter()
            .zip(lines)
            .map(|(data, &(_, _, c))| Weighted { cells: columns[data.column_index], weight: c })
            .collect();
        let (a, b) = lines.iter().fold((F::zero(), F::zero()), |(a, b), line| (a + line.0, b + line.1));
        let b = PackedSecureField::broadcast(b);
        let values = weighted_sum(n_packed, &terms).into_iter().map(|sum| sum - b).collect();
        AccumulatedNumerators {
            sample_point: batch.point,
            partial_numerators_acc: SecureColumnByCoords { columns: to_coordinates(values) },
            first_linear_term_acc: a,
        }
    });
    SimdBackend::compute_quotients_and_combine(
        numerators.collect(),
        log_domain,
        ctx.params().level.log_blowup(),
        &ctx.twiddles,
    )
}
