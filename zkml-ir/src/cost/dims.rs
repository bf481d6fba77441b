//! Trace rows by closed formulas, before any graph exists.

/// `(m x k) x (k x n)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMulDims {
    pub m: u64,
    pub k: u64,
    pub n: u64,
}

impl MatMulDims {
    pub const fn new(m: u64, k: u64, n: u64) -> Self {
        Self { m, k, n }
    }

    /// One row for each multiply-add: `m * k * n`.
    pub const fn naive_trace_rows(self) -> u64 {
        self.m * self.k * self.n
    }

    /// The sumcheck reads both operands and the output: `m*n + m*k + k*n`.
    pub const fn sumcheck_trace_rows(self) -> u64 {
        self.m * self.n + self.m * self.k + self.k * self.n
    }

    pub fn speedup(self) -> f64 {
        self.naive_trace_rows() as f64 / self.sumcheck_trace_rows() as f64
    }
}

/// Multi-head attention over `seq` tokens, scores and weighted sums of all heads, projections not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionCost {
    pub heads: u64,
    pub d_model: u64,
    pub seq: u64,
}

/// Trace rows that a bit-level exponential and division cost a naive circuit for each score.
pub(crate) const NAIVE_SOFTMAX_ROWS: u64 = 100;

impl AttentionCost {
    pub const fn new(heads: u64, d_model: u64, seq: u64) -> Self {
        Self { heads, d_model, seq }
    }

    /// Width of a head, `d_model / heads`.
    pub const fn d_k(self) -> u64 {
        self.d_model / self.heads
    }

    /// `h * (3 s^2 + 4 s d_k)`.
    pub const fn sumcheck_trace_rows(self) -> u64 {
        self.heads * (3 * self.seq * self.seq + 4 * self.seq * self.d_k())
    }

    /// `h * (2 s^2 d_k + 100 s^2)`.
    pub const fn naive_trace_rows(self) -> u64 {
        self.heads * (2 * self.seq * self.seq * self.d_k() + NAIVE_SOFTMAX_ROWS * self.seq * self.seq)
    }

    pub fn speedup(self) -> f64 {
        self.naive_trace_rows() as f64 / self.sumcheck_trace_rows() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matmul_rows() {
        let rows = |n| {
            let d = MatMulDims::new(n, n, n);
            (d.naive_trace_rows(), d.sumcheck_trace_rows(), d.speedup() as u64)
        };
        assert_eq!(rows(128), (2_097_152, 49_152, 42));
        assert_eq!(rows(768), (452_984_832, 1_769_472, 256)); // n / 3, exactly
        assert_eq!(rows(4096), (68_719_476_736, 50_331_648, 1365));
    }

    #[test]
    fn attention_rows() {
        assert_eq!(AttentionCost::new(12, 768, 512).sumcheck_trace_rows(), 11_010_048); // BERT-base
        assert_eq!(AttentionCost::new(12, 768, 1024).sumcheck_trace_rows(), 40_894_464); // GPT-2
        assert_eq!(AttentionCost::new(32, 4096, 2048).sumcheck_trace_rows(), 436_207_616);
        // Llama-7B
    }
}
