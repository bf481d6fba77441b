//! The same STARK through stwo's generic prover, row by row: what ours must equal bit for bit.

use num_traits::Zero;
use stwo::core::air::accumulation::PointEvaluationAccumulator;
use stwo::core::air::Component;
use stwo::core::circle::CirclePoint;
use stwo::core::constraints::coset_vanishing;
use stwo::core::pcs::TreeVec;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::proof::StarkProof;
use stwo::core::utils::{bit_reverse_index, offset_bit_reversed_circle_domain_index, MaybeOwned};
use stwo::core::ColumnVec;
use stwo::prover::backend::simd::column::BaseColumn as Col;
use stwo::prover::backend::simd::prefix_sum::inclusive_prefix_sum;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::poly::circle::{CircleEvaluation, PolyOps};
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::vcs_lifted::prover::MerkleProverLifted;
use stwo::prover::{
    prove, CommitmentSchemeProver, CommitmentTreeProver, ComponentProver, DomainEvaluationAccumulator,
    EvaluationMode, Poly, Trace,
};

use super::component::MleEval;
use super::layout::SUMS_COLUMNS;
use super::*;

type Evaluation = CircleEvaluation<SimdBackend, BaseField, BitReversedOrder>;

/// The component of [`crate::pcs::component`], as stwo takes one.
pub(super) struct Reference<'a>(pub &'a MleEval);

impl Component for Reference<'_> {
    fn n_constraints(&self) -> usize {
        1
    }

    fn max_constraint_log_degree_bound(&self) -> u32 {
        self.0.log_rows + 1
    }

    fn trace_log_degree_bounds(&self) -> TreeVec<ColumnVec<u32>> {
        let given = self.0.coefficients.iter().map(Vec::len);
        TreeVec::new(given.chain([SUMS_COLUMNS]).map(|n| vec![self.0.log_rows; n]).collect())
    }

    // The prefix sums come previous row first: of two samples stwo takes the second to be the current one.
    fn mask_points(&self, z: CirclePoint<F>, _max: u32) -> TreeVec<ColumnVec<Vec<CirclePoint<F>>>> {
        let given = self.0.coefficients.iter().map(|tree| vec![vec![z]; tree.len()]);
        TreeVec::new(given.chain([vec![vec![self.0.previous(z), z]; SUMS_COLUMNS]]).collect())
    }

    fn preprocessed_column_indices(&self) -> ColumnVec<usize> {
        (0..self.0.coefficients[0].len()).collect()
    }

    fn evaluate_constraint_quotients_at_point(
        &self,
        z: CirclePoint<F>,
        mask: &TreeVec<ColumnVec<Vec<F>>>,
        accumulator: &mut PointEvaluationAccumulator,
        _max: u32,
    ) {
        let n = self.0.coefficients.len();
        let samples: Vec<Vec<F>> = mask[..n].iter().map(|tree| tree.iter().map(|c| c[0]).collect()).collect();
        let row = |k: usize| F::from_partial_evals(std::array::from_fn(|i| mask[n][i][k]));
        accumulator.accumulate(self.0.quotient_at(z, &samples, row(0), row(1)).unwrap());
    }
}

impl ComponentProver<SimdBackend> for Reference<'_> {
    fn evaluate_constraint_quotients_on_domain(
        &self,
        trace: &Trace<'_, SimdBackend>,
        accumulator: &mut DomainEvaluationAccumulator<SimdBackend>,
    ) {
        let claim = self.0;
        let log_size = claim.log_rows + 1;
        let EvaluationMode::SubDomain { log_expansion } = accumulator.evaluation_mode() else {
            panic!("the extension covers the constraint's degree");
        };
        let committed = CanonicCoset::new(log_size + log_expansion).circle_domain();
        let domain = committed.split(log_expansion).0;
        let e = columns(&eq::table(&claim.index_point())).map(|column| {
            let domain = claim.trace_coset().circle_domain();
            Evaluation::new(domain, column).interpolate().evaluate(committed).values.to_cpu()
        });
        let cells: Vec<Vec<Vec<BaseField>>> = trace
            .polys
            .iter()
            .map(|tree| tree.iter().map(|poly| poly.evals.values.to_cpu()).collect())
            .collect();
        let (given, sums) = cells.split_at(claim.coefficients.len());
        let sum_at = |i: usize| F::from_m31_array(std::array::from_fn(|k| sums[0][k][i]));
        let [out] = accumulator.columns([(log_size, 1)]);
        for i in 0..1usize << log_size {
            let mut v = F::zero();
            for (coefficients, tree) in claim.coefficients.iter().zip(given) {
                v += coefficients.iter().zip(tree).map(|(&c, column)| c * column[i]).sum::<F>();
            }
            let before = offset_bit_reversed_circle_domain_index(i, claim.log_rows, log_size, -1);
            let e = F::from_m31_array(std::array::from_fn(|k| e[k][i]));
            let mean = claim.value / BaseField::from(1usize << claim.log_rows);
            let point = domain.at(bit_reverse_index(i, log_size));
            let vanishing = coset_vanishing(claim.trace_coset().coset(), point);
            let quotient = (sum_at(i) - sum_at(before) + mean - v * e) * vanishing.inverse();
            let sum = out.col.at(i) + out.random_coeff_powers[0] * quotient;
            out.col.set(i, sum);
        }
    }
}

fn columns(values: &[F]) -> [BaseColumn; 4] {
    std::array::from_fn(|k| values.iter().map(|value| value.to_m31_array()[k]).collect())
}

/// The STARK part of an opening by stwo's prover, from the claim that `proof` reduces to.
pub(super) fn prove_by_stwo(fixture: &Fixture, proof: &OpeningProof) -> StarkProof<H> {
    let mut t = fixture.transcript();
    let (rho, value) = reduction::replay(&mut t, &proof.rounds, fixture.claim);
    let coefficients = reduction::coefficients(&fixture.groups, &rho, &fixture.n_columns());
    let claim = MleEval { log_rows: fixture.params.log_rows, coefficients, rho, value };
    reduction::end(&mut t, value);

    let channel = t.channel();
    let config = fixture.params.config();
    config.mix_into(channel);
    let committed = CanonicCoset::new(fixture.params.log_domain()).circle_domain();
    let twiddles = SimdBackend::precompute_twiddles(committed.half_coset);
    let mut scheme = CommitmentSchemeProver::<SimdBackend, MC>::new(config, &twiddles);
    let trees: Vec<_> = fixture.trees.iter().map(|tree| stwo_tree(&fixture.ctx, tree)).collect();
    for tree in &trees {
        scheme.commit_tree(MaybeOwned::Borrowed(tree), channel);
    }
    let mean = value / BaseField::from(1usize << claim.log_rows);
    let mut steps = eq::table(&claim.index_point());
    for (i, step) in steps.iter_mut().enumerate() {
        let mut v = F::zero();
        for (coefficients, tree) in claim.coefficients.iter().zip(&fixture.trees) {
            v += coefficients.iter().zip(tree.columns()).map(|(&c, column)| c * column.get(i)).sum::<F>();
        }
        *step = v * *step - mean;
    }
    let domain = claim.trace_coset().circle_domain();
    let sums = columns(&steps).map(|column| Evaluation::new(domain, inclusive_prefix_sum(column)));
    let mut builder = scheme.tree_builder();
    builder.extend_evals(sums.to_vec());
    builder.commit(channel);
    prove(&[&Reference(&claim)], channel, scheme).unwrap()
}

#[test]
fn proofs_are_stwo_s_bit_for_bit() {
    for level in SecurityLevel::ALL {
        for (log_rows, n_columns) in [(6, &[3][..]), (9, &[2, 5]), (11, &[20, 2, 3])] {
            let fixture = Fixture::new(31, level, log_rows, n_columns, 6);
            let proof = fixture.prove();
            let by_stwo = postcard::to_stdvec(&prove_by_stwo(&fixture, &proof)).unwrap();
            let ours = postcard::to_stdvec(&stwo_verify::stark_proof(&fixture, &proof)).unwrap();
            assert!(by_stwo == ours, "{level}, 2^{log_rows}");
        }
    }
}

/// A tree as stwo's prover holds it.
fn stwo_tree(ctx: &ProverContext, tree: &CommittedTree) -> CommitmentTreeProver<SimdBackend, MC> {
    let extended: Vec<Col> = tree.columns().iter().map(|c| ctx.extend(c.reduced())).collect();
    let commitment =
        MerkleProverLifted::commit(extended.iter().collect(), tree.hashes.layers.len() as u32 - 1, 0);
    assert_eq!(commitment.root(), tree.root());
    let domain = ctx.evaluation_domain();
    let polynomials =
        extended.into_iter().map(|values| Poly::new(None, CircleEvaluation::new(domain, values))).collect();
    CommitmentTreeProver { polynomials, commitment }
}
