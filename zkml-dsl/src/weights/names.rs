//! The nearest of some names to one that was not found.

/// The candidate nearest to `name`, if any is near: one that ends like it after a dot (a prefix to add or remove), else
/// the smallest edit distance that is at most a third of the longer name's length.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter_map(|c| {
            if suffix(name, c) || suffix(c, name) {
                return Some((0, c));
            }
            // What one name is longer must be inserted; a distance takes a time that is the product of both lengths.
            let (n, m) = (name.chars().count(), c.chars().count());
            let near = |distance: usize| 3 * distance <= n.max(m);
            let distance = near(n.abs_diff(m)).then(|| edit_distance(name, c))?;
            near(distance).then_some((distance, c))
        })
        .min()
        .map(|(_, c)| c)
}

/// Whether `long` is some path, a dot, and `short`.
fn suffix(long: &str, short: &str) -> bool {
    long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'))
}

/// Insertions, deletions and replacements that lead from one string to the other.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("w1", "w1"), 0);
    }

    #[test]
    fn nearest_prefers_a_changed_prefix_then_the_smallest_distance() {
        let file = ["transformer.h.0.ln_1.weight", "h.1.ln_1.weight", "wte"];
        assert_eq!(nearest("h.0.ln_1.weight", file), Some("transformer.h.0.ln_1.weight"));
        assert_eq!(nearest("h.0.ln_1.weight", file[1..].to_vec()), Some("h.1.ln_1.weight"));
        assert_eq!(nearest("fc1.bias", file), None);
    }

    #[test]
    fn names_of_very_different_length_are_not_compared() {
        let long = "x".repeat(1 << 24);
        assert_eq!(nearest(&"x".repeat(1 << 14), [long.as_str()]), None);
        assert_eq!(nearest("abc", ["abcd"]), Some("abcd"));
    }
}
