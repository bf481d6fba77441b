//! Evaluation at an out-of-domain point, as weights on the trace rows.

use num_traits::Zero;
use stwo::core::circle::CirclePoint;
use stwo::core::fields::m31::BaseField;
use stwo::prover::backend::simd::m31::{PackedBaseField, N_LANES};
use stwo::prover::backend::simd::qm31::PackedSecureField;

use crate::pcs::component::layer_coordinates;
use crate::pcs::F;

/// The weights `w` with `f(z) = sum_i w_i f_i` for every column `f` of `2^b` rows: the transpose of the folds in
/// [`crate::pcs::component`]. A fold took `a, b` to `(a + b) + (at / x)(a - b)`; so a weight `w` becomes
/// `w + w at / x` and `w - w at / x`.
pub(super) fn at(inverse_twiddles: &[BaseField], z: CirclePoint<F>) -> Vec<PackedSecureField> {
    let rows = inverse_twiddles.len() + 1;
    let log_rows = rows.ilog2() as usize;
    let factors = layer_coordinates(z, log_rows);
    // Folding went from the largest layer to the smallest; this goes back.
    let layers =
        (0..log_rows).rev().map(|k| (factors[k], &inverse_twiddles[rows - (rows >> k)..][..rows >> (k + 1)]));
    let (short, long): (Vec<_>, Vec<_>) = layers.partition(|(_, layer)| layer.len() < N_LANES);

    let mut first = vec![F::from(BaseField::from(rows).inverse())];
    for (factor, layer) in short {
        first = first
            .iter()
            .zip(layer)
            .flat_map(|(&w, &inverse)| {
                let step = w * factor * inverse;
                [w + step, w - step]
            })
            .collect();
    }
    let mut weights = vec![PackedSecureField::zero(); rows / N_LANES];
    weights[0] = PackedSecureField::from_array(first.try_into().expect("sixteen weights"));
    for (k, (factor, layer)) in long.into_iter().enumerate() {
        let factor = PackedSecureField::broadcast(factor);
        let (layer, _) = layer.as_chunks::<N_LANES>();
        for i in (0..1usize << k).rev() {
            let w = weights[i];
            let step = w * factor * PackedBaseField::from_array(layer[i]);
            (weights[2 * i], weights[2 * i + 1]) = (w + step).interleave(w - step);
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use stwo::core::poly::circle::CanonicCoset;
    use stwo::prover::backend::simd::column::BaseColumn;
    use stwo::prover::backend::simd::SimdBackend;
    use stwo::prover::poly::circle::CircleEvaluation;
    use stwo::prover::poly::BitReversedOrder;

    use super::*;
    use crate::pcs::component::inverse_twiddles;
    use crate::pcs::prover::column::Cells;
    use crate::pcs::prover::kernels::inner_products;
    use crate::transcript::Transcript;

    #[test]
    fn weights_evaluate_columns() {
        for log_rows in [6, 9, 12] {
            let column: BaseColumn =
                (0..1u32 << log_rows).map(|i| BaseField::from(i.wrapping_mul(2654435761) >> 2)).collect();
            let z = CirclePoint::get_random_point(Transcript::default().channel());
            let coset = CanonicCoset::new(log_rows);
            let weights = at(&inverse_twiddles(coset.half_coset()), z);
            let got = inner_products(&[Cells::Words(&column.data); 2], &weights);
            let domain = coset.circle_domain();
            let poly = CircleEvaluation::<SimdBackend, BaseField, BitReversedOrder>::new(domain, column);
            let expected = poly.interpolate().eval_at_point(z);
            assert_eq!(got, [expected; 2], "2^{log_rows}");
        }
    }
}
