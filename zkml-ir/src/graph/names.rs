//! Paths of nodes: each stands once in a graph.

use std::collections::{HashMap, HashSet};

/// The paths that are taken: `block[3].matmul`, `block[3].matmul_2`.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By path without number, the number last given.
    last: HashMap<String, usize>,
    taken: HashSet<String>,
}

impl Names {
    /// A path that is not taken yet: `base` under `prefix` (empty, or with its final dot), numbered from the second on,
    /// with the `indices` of the loops around it behind.
    pub fn unique(&mut self, prefix: &str, base: &str, indices: &str) -> String {
        let (number, name) = self.next(prefix, base, indices);
        self.last.insert(format!("{prefix}{base}{indices}"), number);
        self.taken.insert(name.clone());
        name
    }

    /// What [`Names::unique`] would give: for a node that may yet be refused.
    pub fn peek(&self, prefix: &str, base: &str, indices: &str) -> String {
        self.next(prefix, base, indices).1
    }

    fn next(&self, prefix: &str, base: &str, indices: &str) -> (usize, String) {
        let first = format!("{prefix}{base}{indices}");
        let last = self.last.get(&first).copied().unwrap_or(0);
        let numbered = |n| match n {
            1 => first.clone(),
            n => format!("{prefix}{base}_{n}{indices}"),
        };
        // A numbered path can be another base's own: `add_2`.
        let mut candidates = (last + 1..).map(|n| (n, numbered(n)));
        candidates.find(|(_, name)| !self.taken.contains(name)).expect("numbers do not end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_indices() {
        let mut n = Names::default();
        assert_eq!(n.unique("", "add", ""), "add");
        assert_eq!(n.unique("", "add", ""), "add_2");
        assert_eq!(n.unique("block[3].", "add", "[0]"), "block[3].add[0]");
        assert_eq!(n.unique("block[3].", "add", "[0]"), "block[3].add_2[0]");
        assert_eq!(n.unique("block[3].", "add", "[1]"), "block[3].add[1]");
    }

    #[test]
    fn a_number_gives_way_to_a_name() {
        let mut n = Names::default();
        n.unique("", "add_2", "");
        n.unique("", "add", "");
        assert_eq!(n.peek("", "add", ""), "add_3");
        assert_eq!(n.unique("", "add", ""), "add_3");
        assert_eq!(n.unique("", "add_2", ""), "add_2_2");
    }
}
