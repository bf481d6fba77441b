//! The sizes of a Llama.

use super::{llama, llama_blocks};
use crate::sizes::{matrix, padded};
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// Sizes, and the angles of the rotary embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Width of the residual stream.
    pub d: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values, a divisor of them.
    pub kv_heads: usize,
    /// Width of a head, a power of two.
    pub head: usize,
    /// Gated units.
    pub ff: usize,
    pub layers: usize,
    /// Tokens that there are.
    pub words: usize,
    pub theta: usize,
    /// How much slow turns are stretched, by Llama 3's rule for an original context of 8192; 1 for not at all.
    pub factor: usize,
}

/// Heads of SmolLM2 and Llama 3.2 1B.
const HEAD: usize = 64;
/// A product of I12 and I8 may have fewer terms: `k 2^11 2^7 < 2^30`.
const TERMS: usize = 4096;

impl Config {
    /// 135M weights.
    pub const SMOLLM2_135M: Self = Self {
        d: 576,
        heads: 9,
        kv_heads: 3,
        head: HEAD,
        ff: 1536,
        layers: 30,
        words: 49152,
        theta: 100_000,
        factor: 1,
    };

    /// 1.24B weights.
    pub const LLAMA_3_2_1B: Self = Self {
        d: 2048,
        heads: 32,
        kv_heads: 8,
        head: HEAD,
        ff: 8192,
        layers: 16,
        words: 128_256,
        theta: 500_000,
        factor: 32,
    };

    /// Rows of the token table, padding included.
    pub fn vocab(&self) -> usize {
        padded(self.words)
    }

    /// Into how many parts the gated units are cut, so that no sum of a part can outgrow an accumulator.
    pub fn parts(&self) -> usize {
        let fits = |p: &usize| self.ff.is_multiple_of(*p) && self.ff / p < TERMS;
        (1..=self.ff).find(fits).unwrap_or(1)
    }

    /// The dimensions of [`super::llama`] over so many tokens.
    pub fn dims(&self, seq: usize) -> llama::Dims {
        llama::Dims {
            SEQ: seq,
            D: self.d,
            HEADS: self.heads,
            KV: self.kv_heads,
            HEAD: self.head,
            FF: self.ff,
            PARTS: self.parts(),
            L: self.layers,
            VOCAB: self.vocab(),
            THETA: self.theta,
            FACTOR: self.factor,
        }
    }

    /// The dimensions of [`super::llama_blocks`] over so many tokens.
    pub fn blocks_dims(&self, seq: usize) -> llama_blocks::Dims {
        llama_blocks::Dims {
            SEQ: seq,
            D: self.d,
            HEADS: self.heads,
            KV: self.kv_heads,
            HEAD: self.head,
            FF: self.ff,
            PARTS: self.parts(),
            L: self.layers,
            THETA: self.theta,
            FACTOR: self.factor,
        }
    }

    /// What a file tells, whose names are those of `layers.0.self_attn.q_proj.weight` and whose matrices are \[out, in\]. It
    /// tells neither the width of a head nor the angles: heads are taken to be 64 wide, the angles are those of the constant
    /// above with the same widths and vocabulary, else Llama's first: theta = 10000, no stretch. A `config.json` knows better.
    pub fn of(weights: &FloatWeights) -> Result<Self, WeightsError> {
        let dims = |name: &str| matrix(weights, name);
        let rows = |part: &str| dims(&format!("layers.0.{part}_proj.weight")).map(|(rows, _)| rows);
        let (words, d) = dims("embed_tokens.weight")?;
        let (heads, kv_heads) = (rows("self_attn.q")? / HEAD, rows("self_attn.k")? / HEAD);
        let ff = rows("mlp.gate")?;
        let layers = (0..)
            .take_while(|l| weights.dims(&format!("layers.{l}.input_layernorm.weight")).is_some())
            .count();
        let known = [Self::SMOLLM2_135M, Self::LLAMA_3_2_1B];
        let same = |k: &&Self| (k.d, k.ff, k.words) == (d, ff, words);
        let (theta, factor) = known.iter().find(same).map_or((10_000, 1), |k| (k.theta, k.factor));
        Ok(Self { d, heads, kv_heads, head: HEAD, ff, layers, words, theta, factor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_sums_in_an_accumulator() {
        assert_eq!(Config::SMOLLM2_135M.parts(), 1);
        assert_eq!(Config::LLAMA_3_2_1B.parts(), 4);
        assert_eq!(Config { ff: 4096, ..Config::SMOLLM2_135M }.parts(), 2);
        assert_eq!(Config { ff: 3 * 4096, ..Config::SMOLLM2_135M }.parts(), 4);
    }
}
