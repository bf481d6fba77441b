//! Short layers on the host.

use super::LANES;
use num_traits::Zero;
use zkml_runtime::field::F;

/// Fractions `[num, den]` of a layer, in the order of the leaves.
pub(super) type Layer = Vec<[F; 2]>;

/// The layers above this one, the lowest first, the root last. Neighbouring vectors are added, and within a vector the halves.
pub(super) fn above(lowest: Layer) -> Vec<Layer> {
    let mut layers = vec![lowest];
    while let Some(last) = layers.last().filter(|l| l.len() > 1) {
        let sums = pairs(last).map(|([n0, d0], [n1, d1])| [n0 * d1 + n1 * d0, d0 * d1]).collect();
        layers.push(sums);
    }
    layers
}

/// The fractions that add up to each of the layer above, in its order.
fn pairs(layer: &[[F; 2]]) -> impl Iterator<Item = ([F; 2], [F; 2])> + '_ {
    let width = LANES.min(layer.len() / 2);
    (0..layer.len() / 2).map(move |k| {
        let at = 2 * (k - k % width) + k % width;
        (layer[at], layer[at + width])
    })
}

/// `[n0, n1 + lambda d1, d0, d1]` for the sumcheck over a layer, in the order of the rounds.
pub(super) fn fraction_rows(layer: &[[F; 2]], lambda: F) -> Vec<[F; 4]> {
    by_rounds(pairs(layer).map(|([n0, d0], [n1, d1])| [n0, n1 + lambda * d1, d0, d1]).collect())
}

/// `[d0 + mu, d1 + mu]` for the sumcheck over leaves, in the order of the rounds.
pub(super) fn leaf_rows(leaves: &[F], mu: F) -> Vec<[F; 2]> {
    let layer: Layer = leaves.iter().map(|&d| [F::zero(), d]).collect();
    by_rounds(pairs(&layer).map(|([_, d0], [_, d1])| [d0 + mu, d1 + mu]).collect())
}

/// Rows whose first variable tells the halves apart: vectors by their reversed index, since their lowest bit is bound first.
pub(super) fn by_rounds<T: Copy>(rows: Vec<T>) -> Vec<T> {
    let vectors = rows.len() / LANES;
    if vectors < 2 {
        return rows;
    }
    let shift = usize::BITS - vectors.ilog2();
    let vector = |v: usize| {
        let from = v.reverse_bits() >> shift;
        &rows[from * LANES..(from + 1) * LANES]
    };
    (0..vectors).flat_map(vector).copied().collect()
}
