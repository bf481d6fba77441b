//! The buffers that proofs leave for the next one (`zkml_runtime::field::pool`), by their sizes.

#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Vec<u64>);

impl Pool {
    /// A proof that needs these buffers at once, and in this order takes for each the smallest that is large enough. It
    /// gives all of them back.
    pub fn take(&mut self, wanted: &[u64]) {
        let mut taken = vec![];
        for &size in wanted {
            let fits = |i: &usize| self.0[*i] >= size;
            let best = (0..self.0.len()).filter(fits).min_by_key(|&i| self.0[i]);
            taken.push(best.map_or(size, |i| self.0.swap_remove(i)));
        }
        self.0.extend(taken);
    }

    pub fn bytes(&self) -> u64 {
        self.0.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again() {
        let mut pool = Pool::default();
        pool.take(&[16, 8, 4]);
        assert_eq!(pool.bytes(), 28);
        pool.take(&[16, 8, 4]);
        pool.take(&[12, 4]);
        assert_eq!(pool.bytes(), 28);
        // Nothing holds 20, and the 16 serves the 10.
        pool.take(&[20, 10, 5]);
        assert_eq!(pool.bytes(), 48);
    }
}
