//! The polynomial that FRI tests: all samples of all columns in one.

use num_traits::Zero;
use rayon::prelude::*;
use stwo::core::pcs::quotients::{
    build_samples_with_randomness_and_periodicity, quotient_constants, ColumnSampleBatch, PointSample,
};
use stwo::core::pcs::TreeVec;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::m31::N_LANES;
use stwo::prover::backend::simd::qm31::PackedSecureField;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::pcs::quotient_ops::AccumulatedNumerators;
use stwo::prover::poly::circle::SecureEvaluation;
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::secure_column::SecureColumnByCoords;
use stwo::prover::QuotientOps;
use tracing::instrument;

use super::column::Cells;
use super::columns::Batch;
use super::commit::CommittedTree;
use super::context::ProverContext;
use super::kernels::{weighted_sum, Weighted};
use super::packed::to_coordinates;
use crate::pcs::F;

/// The samples by their points, with the weights that stwo gives them (`fri_answers` is the verifier's side of it).
/// `n_given` columns belong to the given trees.
pub(super) fn batches(
    log_domain: u32,
    n_given: usize,
    samples: Vec<Vec<Vec<PointSample>>>,
    alpha: F,
) -> Vec<Batch> {
    let samples = TreeVec::new(samples);
    let log_sizes = samples.iter().map(|tree| tree.iter().map(|_| log_domain)).collect();
    let weighted = build_samples_with_randomness_and_periodicity(&samples, log_sizes, log_domain, alpha);
    let batches = ColumnSampleBatch::new_vec(&weighted.iter().flatten().collect::<Vec<_>>());
    let lines = quotient_constants(&batches).line_coeffs;
    let batch = |(batch, lines): (&ColumnSampleBatch, &Vec<(F, F, F)>)| {
        let (mut given, mut own) = (vec![], vec![]);
        for (data, &(_, _, weight)) in batch.cols_vals_randpows.iter().zip(lines) {
            match data.column_index.checked_sub(n_given) {
                None => given.push((data.column_index, weight)),
                Some(i) => own.push((i, weight)),
            }
        }
        let (a, b) = lines.iter().fold((F::zero(), F::zero()), |(a, b), line| (a + line.0, b + line.1));
        Batch { point: batch.point, given, own, a, b }
    };
    batches.iter().zip(&lines).map(batch).collect()
}

/// The sum of all quotients, extended from the first `2^b` points of the evaluation domain.
///
/// Columns of `trees` are combined on trace rows and their sum extended, which reads no extension (DESIGN 5.10); `own` are
/// the extensions of the columns that come after them.
#[instrument(skip_all)]
pub(super) fn combine(
    ctx: &ProverContext,
    trees: &[&CommittedTree],
    own: &[&BaseColumn],
    batches: &[Batch],
) -> SecureEvaluation<SimdBackend, BitReversedOrder> {
    let log_domain = ctx.params().log_domain();
    let given: Vec<Cells<'_>> = trees.iter().flat_map(|t| &t.columns).map(|c| c.cells()).collect();
    let n_packed = (1usize << ctx.params().log_rows) / N_LANES;
    let numerators = batches.iter().map(|batch| {
        let extended =
            batch.own.iter().map(|&(i, weight)| Weighted { cells: Cells::Words(&own[i].data), weight });
        let on_rows: Vec<_> =
            batch.given.iter().map(|&(i, weight)| Weighted { cells: given[i], weight }).collect();
        let b = PackedSecureField::broadcast(batch.b);
        let sums = weighted_sum(n_packed, &extended.collect::<Vec<_>>());
        let values: Vec<_> = sums.into_iter().map(|sum| sum - b).collect();
        let mut numerators = to_coordinates(values);
        if !on_rows.is_empty() {
            let sum = to_coordinates(weighted_sum(n_packed, &on_rows));
            numerators.par_iter_mut().zip(sum).for_each(|(numerator, column)| {
                let extension = ctx.extend(column);
                numerator.data.iter_mut().zip(&extension.data).for_each(|(n, &x)| *n += x);
                ctx.recycle(extension);
            });
        }
        AccumulatedNumerators {
            sample_point: batch.point,
            partial_numerators_acc: SecureColumnByCoords { columns: numerators },
            first_linear_term_acc: batch.a,
        }
    });
    SimdBackend::compute_quotients_and_combine(
        numerators.collect(),
        log_domain,
        ctx.params().level.log_blowup(),
        &ctx.twiddles,
    )
}
