//! The equality polynomial `eq(a, b) = prod_k (a_k b_k + (1 - a_k)(1 - b_k))`: on bits it says whether `a = b`, and it
//! is linear in every variable, so `f~(a) = sum_b eq(a, b) f(b)` extends any `f` on bits (Thaler, "Proofs, Arguments,
//! and Zero-Knowledge", lemma 3.6).

use num_traits::{One, Zero};

use super::F;

/// One factor of [`eq`].
pub fn eq_bit(a: F, b: F) -> F {
    let ab = a * b;
    F::one() - a - b + ab + ab
}

/// `eq(a, b)` of two points of equal length.
pub fn eq(a: &[F], b: &[F]) -> F {
    debug_assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(F::one(), |acc, (&a, &b)| acc * eq_bit(a, b))
}

/// `eq(point, index)`, the index read as bits. Bits beyond the point's length are ignored.
pub fn eq_index(point: &[F], index: u64) -> F {
    point.iter().rev().enumerate().fold(F::one(), |acc, (bit, &z)| {
        let set = bit < 64 && index >> bit & 1 == 1;
        acc * if set { z } else { F::one() - z }
    })
}

/// `eq(point, x)` for every x, in order of x: `2^point.len()` values.
pub fn eq_table(point: &[F]) -> Vec<F> {
    let mut table = vec![F::one()];
    for &z in point.iter().rev() {
        table = grow(&table, z);
    }
    table
}

/// [`eq_table`] of the first k coordinates, for k = 0 ..= `point.len()`.
pub fn eq_prefixes(point: &[F]) -> Vec<Vec<F>> {
    let mut tables = vec![vec![F::one()]];
    for &z in point {
        let last = &tables[tables.len() - 1];
        tables.push(last.iter().map(|&v| (v, v * z)).flat_map(|(v, high)| [v - high, high]).collect());
    }
    tables
}

/// Prepends a variable: the low half is weighted by 1 - z, the high half by z.
fn grow(table: &[F], z: F) -> Vec<F> {
    let mut grown = vec![F::zero(); 2 * table.len()];
    let (low, high) = grown.split_at_mut(table.len());
    for ((l, h), &v) in low.iter_mut().zip(high).zip(table) {
        *h = v * z;
        *l = v - *h;
    }
    grown
}

/// `sum over x < len of eq(point, x)`, in time linear in the point's length.
///
/// The indices below `len` are, for each set bit of `len`, all those that agree with `len` above that bit and have a
/// zero there; the lower bits are free and their eq sums to one.
pub fn prefix_eq_sum(point: &[F], len: u64) -> F {
    let n = point.len();
    if n < 64 && len >> n != 0 {
        return F::one();
    }
    let (mut sum, mut agree) = (F::zero(), F::one());
    for (k, &z) in point.iter().enumerate() {
        let bit = n - 1 - k;
        let high = agree * z;
        if bit < 64 && len >> bit & 1 == 1 {
            sum += agree - high;
            agree = high;
        } else {
            agree -= high;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: usize) -> Vec<F> {
        (0..n as u32).map(|i| F::from_u32_unchecked(17 + i * i, 5 * i, 99 + i, 1 << i)).collect()
    }

    #[test]
    fn tables_agree_with_the_definition() {
        for n in 0..7 {
            let z = point(n);
            let table = eq_table(&z);
            let prefixes: Vec<_> = (0..=n).map(|k| eq_table(&z[..k])).collect();
            assert_eq!(eq_prefixes(&z), prefixes);
            for (x, &value) in table.iter().enumerate() {
                let bits: Vec<F> = (0..n).map(|k| F::from((x >> (n - 1 - k) & 1) as u32)).collect();
                assert_eq!(value, eq(&z, &bits));
                assert_eq!(value, eq_index(&z, x as u64));
            }
        }
    }

    #[test]
    fn prefix_sums_agree_with_the_table() {
        for n in 0..7 {
            let z = point(n);
            let mut sum = F::zero();
            for (x, v) in eq_table(&z).into_iter().enumerate() {
                assert_eq!(prefix_eq_sum(&z, x as u64), sum);
                sum += v;
            }
            assert_eq!(prefix_eq_sum(&z, 1 << n), F::one());
            assert_eq!(prefix_eq_sum(&z, u64::MAX), F::one());
        }
    }
}
