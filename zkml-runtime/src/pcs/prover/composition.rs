//! The quotient of the one constraint, as a polynomial.

use rayon::prelude::*;
use stwo::core::constraints::coset_vanishing;
use stwo::core::fields::m31::BaseField;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::m31::{PackedBaseField, N_LANES};
use stwo::prover::backend::simd::qm31::PackedSecureField;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::poly::circle::CircleCoefficients;
use tracing::instrument;

use super::context::ProverContext;
use super::packed::to_coordinates;
use crate::pcs::component::MleEval;

/// Pairs of halves that one task handles.
const TASK: usize = 256;

/// The composition polynomial in the halves that are committed: four coordinates of the low one, then of the high.
///
/// `V` and `E` come on the trace domain and are extended, which costs eight transforms instead of a pass over the
/// extensions of all columns. `sums` are extensions.
#[instrument(skip_all)]
pub(super) fn halves(
    ctx: &ProverContext,
    claim: &MleEval,
    [v, e]: [[BaseColumn; 4]; 2],
    sums: [&BaseColumn; 4],
) -> Vec<CircleCoefficients<SimdBackend>> {
    let extended: Vec<BaseColumn> = v.into_par_iter().chain(e).map(|column| ctx.extend(column)).collect();
    let values = quotient(ctx, claim, &extended, sums);
    extended.into_iter().for_each(|column| ctx.recycle(column));

    let halve = |values| ctx.interpolate_composition(values).split_at_mid();
    let (low, high): (Vec<_>, Vec<_>) = to_coordinates(values).into_par_iter().map(halve).unzip();
    low.into_iter().chain(high).collect()
}

/// `(S - S_prev + v / 2^b - V E) / vanishing` on the composition domain.
fn quotient(
    ctx: &ProverContext,
    claim: &MleEval,
    extended: &[BaseColumn],
    sums: [&BaseColumn; 4],
) -> Vec<PackedSecureField> {
    let log_size = claim.log_rows + 1;
    // The vanishing polynomial takes two values, on the two halves in bit-reversed order.
    let coset = claim.trace_coset().coset();
    let domain = ctx.composition_domain();
    let inverses = [0, 1].map(|i| PackedBaseField::broadcast(coset_vanishing(coset, domain.at(i)).inverse()));
    let mean = PackedSecureField::broadcast(claim.value * claim.rows_inverse());
    let n_packed = (1usize << log_size) / N_LANES;
    let at = |column: usize, i: usize| {
        PackedSecureField::from_packed_m31s(std::array::from_fn(|k| extended[column + k].data[i]))
    };
    (0..n_packed)
        .into_par_iter()
        .with_min_len(TASK)
        .map(|i| {
            let current = PackedSecureField::from_packed_m31s(sums.map(|column| column.data[i]));
            let numerator = current - previous_rows(sums, i, log_size) + mean - at(0, i) * at(4, i);
            numerator * inverses[i * 2 / n_packed]
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use stwo::core::poly::circle::CanonicCoset;
    use stwo::core::utils::bit_reverse_index;

    use super::*;

    #[test]
    fn the_previous_position_is_one_step_back() {
        // At the whole domain of blow-up 2, and at the half of it that blow-up 4 leaves.
        for log_expansion in [0, 1] {
            let log_size = 8;
            let domain = CanonicCoset::new(log_size + log_expansion).circle_domain().split(log_expansion).0;
            let at = |position| domain.at(bit_reverse_index(position, log_size));
            let step = CanonicCoset::new(log_size - 1).step();
            for position in 0..1 << log_size {
                assert_eq!(at(previous(position, log_size)) + step, at(position));
            }
        }
    }
}
