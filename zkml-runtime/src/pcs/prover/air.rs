//! The one component, as stwo's prover sees it. The equation is in [`crate::pcs::component`].

use rayon::prelude::*;
use stwo::core::air::accumulation::PointEvaluationAccumulator;
use stwo::core::air::Component;
use stwo::core::circle::CirclePoint;
use stwo::core::constraints::coset_vanishing;
use stwo::core::fields::m31::BaseField;
use stwo::core::fields::FieldExpOps;
use stwo::core::pcs::TreeVec;
use stwo::core::ColumnVec;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::m31::{PackedBaseField, N_LANES};
use stwo::prover::backend::simd::qm31::PackedSecureField;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::{ComponentProver, DomainEvaluationAccumulator, EvaluationMode, Trace};
use tracing::instrument;

use super::context::ProverContext;
use crate::pcs::component::MleEval;
use crate::pcs::layout::SUMS_COLUMNS;
use crate::pcs::F;

/// The claim, with `V` and `E` on the trace domain: where their products are taken, they are extended, which costs
/// eight transforms instead of a pass over the extensions of all columns.
pub(in crate::pcs) struct MleEvalProver<'a> {
    pub claim: &'a MleEval,
    pub prover: Option<ProverColumns<'a>>,
}

pub(in crate::pcs) struct ProverColumns<'a> {
    pub ctx: &'a ProverContext,
    pub v: [BaseColumn; 4],
    pub e: [BaseColumn; 4],
}

impl Component for MleEvalProver<'_> {
    fn n_constraints(&self) -> usize {
        1
    }

    fn max_constraint_log_degree_bound(&self) -> u32 {
        self.claim.log_rows + 1
    }

    fn trace_log_degree_bounds(&self) -> TreeVec<ColumnVec<u32>> {
        let columns = |n| vec![self.claim.log_rows; n];
        let given = self.claim.coefficients.iter().map(Vec::len);
        TreeVec::new(given.chain([SUMS_COLUMNS]).map(columns).collect())
    }

    // The prefix sums come previous row first: of two samples stwo takes the second to be the current one.
    fn mask_points(
        &self,
        point: CirclePoint<F>,
        _max_log_degree_bound: u32,
    ) -> TreeVec<ColumnVec<Vec<CirclePoint<F>>>> {
        let given = self.claim.coefficients.iter().map(|tree| vec![vec![point]; tree.len()]);
        let sums = vec![vec![self.claim.previous(point), point]; SUMS_COLUMNS];
        TreeVec::new(given.chain([sums]).collect())
    }

    fn preprocessed_column_indices(&self) -> ColumnVec<usize> {
        (0..self.claim.coefficients[0].len()).collect()
    }

    fn evaluate_constraint_quotients_at_point(
        &self,
        point: CirclePoint<F>,
        mask: &TreeVec<ColumnVec<Vec<F>>>,
        accumulator: &mut PointEvaluationAccumulator,
        _max_log_degree_bound: u32,
    ) {
        let n = self.claim.coefficients.len();
        let samples: Vec<Vec<F>> =
            mask[..n].iter().map(|tree| tree.iter().map(|column| column[0]).collect()).collect();
        let row = |k: usize| F::from_partial_evals(std::array::from_fn(|i| mask[n][i][k]));
        let quotient = self.claim.quotient_at(point, &samples, row(0), row(1));
        accumulator.accumulate(quotient.expect("a random point is not on the trace domain"));
    }
}

impl ComponentProver<SimdBackend> for MleEvalProver<'_> {
    #[instrument(skip_all, name = "constraint")]
    fn evaluate_constraint_quotients_on_domain(
        &self,
        trace: &Trace<'_, SimdBackend>,
        accumulator: &mut DomainEvaluationAccumulator<SimdBackend>,
    ) {
        // Of the evaluation domain stwo wants the first 2^(b+1) points in bit-reversed order: all of it at blow-up 2,
        // a circle domain that is not canonic beyond.
        let log_size = self.claim.log_rows + 1;
        let ProverColumns { ctx, v, e } = self.prover.as_ref().expect("the prover has the columns");
        let log_expansion = ctx.params.log_domain() - log_size;
        debug_assert!(matches!(
            accumulator.evaluation_mode(),
            EvaluationMode::SubDomain { log_expansion: got } if got == log_expansion
        ));
        let domain = ctx.evaluation_domain().split(log_expansion).0;

        let extended: Vec<BaseColumn> =
            [v, e].into_par_iter().flatten().map(|column| ctx.extend(column.clone())).collect();
        let (v, e) = extended.split_at(4);
        let sums = trace.polys.last().expect("the prefix sums are the last tree");
        let sums: [&BaseColumn; 4] = std::array::from_fn(|k| &sums[k].evals.values);

        let [out] = accumulator.columns([(log_size, 1)]);
        // The vanishing polynomial takes two values, on the two halves in bit-reversed order.
        let coset = self.claim.trace_coset().coset();
        let inverses: [PackedSecureField; 2] = std::array::from_fn(|i| {
            let inverse = coset_vanishing(coset, domain.at(i)).inverse();
            PackedSecureField::broadcast(out.random_coeff_powers[0] * inverse)
        });
        let mean = PackedSecureField::broadcast(self.claim.value * self.claim.rows_inverse());
        let packed = |columns: &[BaseColumn], i: usize| {
            PackedSecureField::from_packed_m31s(std::array::from_fn(|k| columns[k].data[i]))
        };
        let current = |i: usize| PackedSecureField::from_packed_m31s(sums.map(|column| column.data[i]));
        let n_packed = (1usize << log_size) / N_LANES;
        let quotient = |i: usize| {
            let numerator =
                current(i) - previous_rows(sums, i, log_size) + mean - packed(v, i) * packed(e, i);
            numerator * inverses[i * 2 / n_packed]
        };
        let [a, b, c, d] = &mut out.col.columns;
        (&mut a.data, &mut b.data, &mut c.data, &mut d.data)
            .into_par_iter()
            .enumerate()
            .with_min_len(256)
            .for_each(|(i, (a, b, c, d))| {
                let sum = PackedSecureField::from_packed_m31s([*a, *b, *c, *d]) + quotient(i);
                [*a, *b, *c, *d] = sum.into_packed_m31s();
            });
        extended.into_iter().for_each(|column| ctx.recycle(column));
    }
}

/// Sixteen values, each one step of the trace coset before the evaluation point of its position.
fn previous_rows(columns: [&BaseColumn; 4], i: usize, log_size: u32) -> PackedSecureField {
    let positions: [usize; N_LANES] = std::array::from_fn(|j| previous(i * N_LANES + j, log_size));
    PackedSecureField::from_packed_m31s(columns.map(|column| {
        let cells: &[BaseField] = column.as_slice();
        PackedBaseField::from_array(positions.map(|p| cells[p]))
    }))
}

/// A circle domain is a half coset `H`, then its conjugate. The trace coset's step is the step of `H`: one back in
/// `H` is one back, and one back from `-h` is `-(h + step)`.
fn previous(position: usize, log_size: u32) -> usize {
    let reverse = |i: usize| i.reverse_bits() >> (usize::BITS - log_size);
    let half = 1usize << (log_size - 1);
    let natural = reverse(position);
    reverse(if natural < half {
        natural.wrapping_sub(1) & (half - 1)
    } else {
        half | (natural + 1) & (half - 1)
    })
}
