//! The sizes of a BERT.

use crate::sizes::{matrix, padded};
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// Sizes. Every published BERT has four hidden units for each of its width.
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

impl Config {
    /// all-MiniLM-L6-v2, a sentence encoder: 22.6M weights.
    pub const MINILM: Self = Self { d: 384, heads: 12, layers: 6, words: 30522, context: 512 };

    /// Rows of the token table, padding included.
    pub fn vocab(&self) -> usize {
        padded(self.words)
    }

    /// The sizes of a file of the family's names ([`Family::Bert`](zkml_dsl::weights::Family::Bert)), before
    /// [`super::import`] pads anything. No tensor has the number of heads in its shape.
    pub fn of(weights: &FloatWeights, heads: usize) -> Result<Self, WeightsError> {
        let dims = |name: &str| matrix(weights, name);
        let (words, d) = dims("embeddings.word_embeddings.weight")?;
        let (context, _) = dims("embeddings.position_embeddings.weight")?;
        let last = |l: &usize| weights.dims(&format!("encoder.layer.{l}.output.dense.weight")).is_some();
        Ok(Self { d, heads, layers: (0..).take_while(last).count(), words, context })
    }
}
