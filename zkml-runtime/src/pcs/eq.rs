//! The equality polynomial `eq(x, y) = prod_i (x_i y_i + (1 - x_i)(1 - y_i))`, most significant bit first.

use num_traits::One;

use super::F;

/// `eq(point, i)` for every index `i`.
pub(super) fn table(point: &[F]) -> Vec<F> {
    let mut table = vec![F::one(); 1 << point.len()];
    for (k, &coordinate) in point.iter().enumerate() {
        // Entry i makes entries 2i and 2i + 1: in place, from the end.
        for i in (0..1usize << k).rev() {
            let high = table[i] * coordinate;
            table[2 * i] = table[i] - high;
            table[2 * i + 1] = high;
        }
    }
    table
}

/// `eq(x, y)` of two points.
pub(super) fn at(x: &[F], y: &[F]) -> F {
    debug_assert_eq!(x.len(), y.len());
    x.iter().zip(y).map(|(&x, &y)| factor(x, y)).product()
}

/// One factor of `eq`.
pub(super) fn factor(x: F, y: F) -> F {
    let xy = x * y;
    xy + xy + F::one() - x - y
}

/// `eq(point, index)` for an index of `point.len()` bits.
pub(super) fn at_index(point: &[F], index: usize) -> F {
    let bits = point.len();
    point
        .iter()
        .enumerate()
        .map(|(i, &p)| if index >> (bits - 1 - i) & 1 == 1 { p } else { F::one() - p })
        .product()
}
