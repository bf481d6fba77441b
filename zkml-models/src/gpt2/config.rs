//! The sizes of a GPT-2.

use super::gpt2;
use crate::sizes::{matrix, padded};
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// Sizes. Every published GPT-2 has heads of width 64 and four hidden units for each of its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Width of the residual stream.
    pub d: usize,
    pub heads: usize,
    pub layers: usize,
    /// Tokens that there are.
    pub words: usize,
    /// The longest sequence.
    pub context: usize,
}

const HEAD: usize = 64;

impl Config {
    /// GPT-2 small: 12 layers, 124M weights.
    pub const SMALL: Self = Self { d: 768, heads: 12, layers: 12, words: 50257, context: 1024 };

    /// Rows of the token table, padding included.
    pub fn vocab(&self) -> usize {
        padded(self.words)
    }

    /// The dimensions of [`super::gpt2`] over so many tokens.
    pub fn dims(&self, seq: usize) -> gpt2::Dims {
        gpt2::Dims {
            SEQ: seq,
            D: self.d,
            HEADS: self.heads,
            L: self.layers,
            VOCAB: self.vocab(),
            CONTEXT: self.context,
        }
    }

    /// The sizes of a file whose names are those of `h.0.attn.c_attn.weight`, before [`super::import`] pads anything.
    pub fn of(weights: &FloatWeights) -> Result<Self, WeightsError> {
        let dims = |name: &str| matrix(weights, name);
        let ((words, d), (context, _)) = (dims("wte.weight")?, dims("wpe.weight")?);
        let layers = (0..).take_while(|l| weights.dims(&format!("h.{l}.ln_1.weight")).is_some()).count();
        Ok(Self { d, heads: d / HEAD, layers, words, context })
    }
}
