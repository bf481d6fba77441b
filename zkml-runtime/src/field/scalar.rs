use num_traits::One;

use super::{BaseField, F, P};

/// `1, x, x^2, ..`, `n` of them.
pub fn powers(x: F, n: usize) -> Vec<F> {
    std::iter::successors(Some(F::one()), |&p| Some(p * x)).take(n).collect()
}

/// `2^k`. The order of 2 is 31, since `2^31 = p + 1`.
pub fn pow2(k: usize) -> BaseField {
    BaseField::from(1u32 << (k % 31))
}

/// The line through `(0, a)` and `(1, b)`, at `x`.
pub fn lerp(a: F, b: F, x: F) -> F {
    a + x * (b - a)
}

/// Are all four words below p? A word of p equals zero in arithmetic and differs from it in `==`, and a larger one
/// overflows the additions, so an element that was not computed here must pass this first.
pub fn is_canonical(x: F) -> bool {
    x.to_m31_array().iter().all(|m| m.0 < P)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stwo::core::fields::FieldExpOps;

    #[test]
    fn powers_of_two_wrap_at_31() {
        for k in [0usize, 1, 30, 31, 32, 61, 62] {
            assert_eq!(pow2(k), BaseField::from(2u32).pow(k as u128));
        }
    }

    #[test]
    fn only_words_below_p_are_canonical() {
        assert!(is_canonical(F::from_u32_unchecked(0, P - 1, 1, 2)));
        assert!(!is_canonical(F::from_u32_unchecked(0, 0, P, 0)));
        assert!(!is_canonical(F::from_u32_unchecked(u32::MAX, 0, 0, 0)));
    }
}
