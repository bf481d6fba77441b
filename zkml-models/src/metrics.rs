//! How far a result is from a reference.

/// The largest absolute difference.
///
/// # Panics
/// If the lengths differ.
pub fn max_abs_error(got: &[f32], reference: &[f32]) -> f64 {
    differences(got, reference).map(f64::abs).fold(0.0, f64::max)
}

/// `sqrt(sum (got - reference)^2 / sum reference^2)`; 0 if both are zero everywhere, infinite if only the reference is.
///
/// # Panics
/// If the lengths differ.
pub fn relative_rms_error(got: &[f32], reference: &[f32]) -> f64 {
    let error: f64 = differences(got, reference).map(|d| d * d).sum();
    let size: f64 = reference.iter().map(|&v| (v as f64).powi(2)).sum();
    match error {
        0.0 => 0.0,
        _ => (error / size).sqrt(),
    }
}

/// The cosine of the angle between them; 0 if one is zero.
///
/// # Panics
/// If the lengths differ.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    match lengths {
        0.0 => 0.0,
        _ => dot(a, b) / lengths,
    }
}

/// How many of the `n` largest values' places the two have in common.
///
/// # Panics
/// If the lengths differ.
pub fn common_top(got: &[f32], reference: &[f32], n: usize) -> usize {
    assert_eq!(got.len(), reference.len(), "results of different lengths");
    let top = |values: &[f32]| {
        let mut places: Vec<usize> = (0..values.len()).collect();
        places.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        places.truncate(n);
        places
    };
    let wanted = top(reference);
    top(got).iter().filter(|place| wanted.contains(place)).count()
}

fn differences<'a>(got: &'a [f32], reference: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
    assert_eq!(got.len(), reference.len(), "results of different lengths");
    got.iter().zip(reference).map(|(&g, &r)| g as f64 - r as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let (got, want) = ([3.0, 4.5, 0.0], [3.0, 4.0, 0.0]);
        assert_eq!(max_abs_error(&got, &want), 0.5);
        assert_eq!(relative_rms_error(&got, &want), 0.1); // 0.5 / sqrt(9 + 16)
        assert_eq!(relative_rms_error(&[0.0], &[0.0]), 0.0);
        assert_eq!(relative_rms_error(&[1.0], &[0.0]), f64::INFINITY);
        assert_eq!(cosine(&[3.0, 4.0], &[8.0, 6.0]), 0.96); // 48 / (5 * 10)
        assert_eq!(cosine(&[0.0, 0.0], &[8.0, 6.0]), 0.0);
    }

    #[test]
    fn largest_values() {
        assert_eq!(common_top(&[5.0, 1.0, 4.0, 3.0], &[9.0, 8.0, 0.0, 7.0], 2), 1);
        assert_eq!(common_top(&[5.0, 1.0, 4.0, 3.0], &[9.0, 8.0, 0.0, 7.0], 3), 2);
        assert_eq!(common_top(&[1.0], &[2.0], 5), 1);
    }

    #[test]
    #[should_panic(expected = "different lengths")]
    fn lengths_must_agree() {
        max_abs_error(&[1.0], &[]);
    }
}
