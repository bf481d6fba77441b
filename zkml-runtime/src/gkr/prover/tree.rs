//! The layers of a fraction tree.

use num_traits::{One, Zero};

use super::leaves::Leaves;
use super::prefix::Prefix;
use crate::field::packed::{dot2, PackedF};
use crate::field::F;

/// Fractions `[num, den]`.
pub(super) enum Layer {
    /// At least two vectors; neighbouring vectors are added.
    Packed(Prefix<2>),
    /// At most sixteen fractions; the halves are added.
    Scalar(Vec<[F; 2]>),
}

/// The layer above lookup leaves `1 / d`: `1 / d0 + 1 / d1 = (d0 + d1) / (d0 d1)`.
pub(super) fn above_lookups(leaves: &Leaves<'_>) -> Layer {
    let log = leaves.log_vectors - 1;
    let two = F::one() + F::one();
    let layer = Prefix::build(leaves.live().div_ceil(2), [two, F::one()], log, |scratch, first, out| {
        let d = leaves.view(2 * first, 2 * out.len(), scratch);
        for (out, [d0, d1]) in out.iter_mut().zip(d.as_chunks().0) {
            *out = [*d0 + *d1, d0.times(d1)];
        }
    });
    Layer::settle(layer)
}

/// Table leaves `-multiplicity / d`, where both are linear in columns.
pub(super) fn table_leaves(numerators: &Leaves<'_>, denominators: &Leaves<'_>) -> Layer {
    let log = denominators.log_vectors;
    let layer = Prefix::build(denominators.live(), [F::zero(), F::one()], log, |scratch, first, out| {
        let count = out.len();
        for (out, n) in out.iter_mut().zip(numerators.view(first, count, scratch)) {
            out[0] = *n;
        }
        for (out, d) in out.iter_mut().zip(denominators.view(first, count, scratch)) {
            out[1] = *d;
        }
    });
    Layer::settle(layer)
}

impl Layer {
    fn settle(layer: Prefix<2>) -> Self {
        match layer.log_items {
            0 => Layer::Scalar(unpack(&layer.items()[0])),
            _ => Layer::Packed(layer),
        }
    }

    /// This layer and all above it up to the root.
    pub fn up_to_root(self) -> Vec<Layer> {
        let mut layers = vec![self];
        while let Some(next) = layers[layers.len() - 1].above() {
            layers.push(next);
        }
        layers
    }

    fn above(&self) -> Option<Layer> {
        match self {
            Layer::Packed(p) => {
                let [n, d] = p.tail;
                let tail = add_scalars([n, d], [n, d]);
                let pairs = p.items().as_chunks::<2>().0;
                Some(Layer::settle(Prefix::build(pairs.len(), tail, p.log_items - 1, |_, first, out| {
                    for (out, [a, b]) in out.iter_mut().zip(&pairs[first..]) {
                        *out = [dot2(&a[0], &b[1], &b[0], &a[1]), a[1].times(&b[1])];
                    }
                })))
            }
            Layer::Scalar(v) if v.len() == 1 => None,
            Layer::Scalar(v) => {
                let (low, high) = v.split_at(v.len() / 2);
                Some(Layer::Scalar(low.iter().zip(high).map(|(&a, &b)| add_scalars(a, b)).collect()))
            }
        }
    }
}

/// `n0 / d0 + n1 / d1`
fn add_scalars([n0, d0]: [F; 2], [n1, d1]: [F; 2]) -> [F; 2] {
    [n0 * d1 + n1 * d0, d0 * d1]
}

/// N vectors as sixteen rows of N scalars.
pub(super) fn unpack<const N: usize>(item: &[PackedF; N]) -> Vec<[F; N]> {
    let columns = item.map(|v| v.to_array());
    (0..columns[0].len()).map(|k| columns.map(|c| c[k])).collect()
}
