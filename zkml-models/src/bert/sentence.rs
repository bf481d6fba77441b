//! What [`super::bert_encoder`] reads and gives.

use thiserror::Error;
use zkml_dsl::prelude::*;
use zkml_dsl::typed::AsInt;
use zkml_dsl::units::{to_real, UnitsError};
use zkml_dsl::weights::{FloatTensor, Shape};
use zkml_ir::graph::Graph;
use zkml_ir::tensor::IntTensor;

/// The tokens of a text, padded with token 0 to the length that a model was elaborated for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    pub tokens: Vec<i32>,
    /// 1 for each token of the text, 0 for padding.
    pub mask: Vec<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SentenceError {
    #[error("the model reads {most} tokens at most, the text has {got}")]
    Long { most: usize, got: usize },
    #[error("a text without tokens has no embedding")]
    Empty,
}

impl Sentence {
    pub fn padded(tokens: &[i32], seq: usize) -> Result<Self, SentenceError> {
        let got = tokens.len();
        if got == 0 {
            return Err(SentenceError::Empty);
        }
        if got > seq {
            return Err(SentenceError::Long { most: seq, got });
        }
        let pad = |mut v: Vec<i32>| {
            v.resize(seq, 0);
            v
        };
        Ok(Self { tokens: pad(tokens.to_vec()), mask: pad(vec![1; got]) })
    }

    /// As calibration takes it.
    pub fn sample(&self) -> Vec<FloatTensor> {
        let real = |v: &[i32]| FloatTensor::new(Shape::new([v.len()]), v.iter().map(|&v| v as f32).collect());
        vec![real(&self.tokens), real(&self.mask)]
    }

    /// As a run takes it: tokens and mask.
    pub fn inputs(&self) -> Result<(Tensor<I24, 64>, Tensor<U8, 64>), zkml_dsl::Error> {
        let shape = [self.tokens.len()];
        Ok((Tensor::with_shape(&shape, &self.tokens)?, Tensor::with_shape(&shape, &self.mask)?))
    }

    /// The same without types, for a model that is only a graph.
    pub fn ints(&self) -> Result<[IntTensor; 2], zkml_dsl::Error> {
        let (tokens, mask) = self.inputs()?;
        Ok([tokens.as_int().clone(), mask.as_int().clone()])
    }
}

/// The unit vector that the model's integers stand for. They are those of a row whose root mean square is 1, so its Euclidean
/// norm is the root of its length: the vector is integers * step / sqrt(D), with step = 2^-9.
pub fn embedding(graph: &Graph, params: &Params, output: &impl AsInt) -> Result<Vec<f32>, UnitsError> {
    let real = to_real(graph, params, 0, output)?.data;
    let root = (real.len() as f32).sqrt();
    Ok(real.iter().map(|v| v / root).collect())
}
