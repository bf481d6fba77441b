//! Plain float references of the models that the examples prove, written from the models' definitions and independent of
//! zkml's own evaluators. Weights are f32, all arithmetic is f64, results are rounded to f32 at the end.

mod bert;
mod functions;
mod gpt2;
mod llama;
mod matrix;
mod vision;

pub use bert::{BertEncoder, BertLayer};
pub use functions::{gelu_erf, gelu_tanh, Gelu};
pub use gpt2::{gpt2_logits, Gpt2Block};
pub use llama::{llama_logits, LlamaBlock};
pub use vision::{digits_cnn, lenet5, resnet18};

use functions::{attention, layer_norm};
use matrix::Matrix;
use zkml_dsl::weights::{FloatWeights, Shape, WeightsError};

/// The values of a tensor that must have this shape.
pub(crate) fn read(weights: &FloatWeights, name: &str, dims: &[usize]) -> Result<Vec<f32>, WeightsError> {
    let tensor = weights.get(name)?;
    if tensor.shape != Shape::new(dims) {
        let (expected, got) = (format!("shape {dims:?}"), tensor.shape.clone());
        return Err(WeightsError::Extents { name: name.to_owned(), expected, got });
    }
    Ok(tensor.into_owned().data)
}

/// The extent of a weight's axis that fixes a model's width.
fn extent(weights: &FloatWeights, name: &str, axis: usize) -> Result<usize, WeightsError> {
    let tensor = weights.get(name)?;
    tensor.shape.dims().get(axis).copied().ok_or_else(|| WeightsError::Extents {
        name: name.to_owned(),
        expected: format!("at least {} axes", axis + 1),
        got: tensor.shape.clone(),
    })
}

/// `x W + b`, W \[in, out\].
#[derive(Clone, Debug)]
struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// `{name}.weight` \[inputs, outputs\] and `{name}.bias` \[outputs\].
    fn in_out(w: &FloatWeights, name: &str, inputs: usize, outputs: usize) -> Result<Self, WeightsError> {
        let weight = read(w, &format!("{name}.weight"), &[inputs, outputs])?;
        Ok(Self { weight, bias: read(w, &format!("{name}.bias"), &[outputs])? })
    }

    /// `{name}.weight` \[outputs, inputs\] and `{name}.bias` \[outputs\].
    fn out_in(w: &FloatWeights, name: &str, inputs: usize, outputs: usize) -> Result<Self, WeightsError> {
        let rows = read(w, &format!("{name}.weight"), &[outputs, inputs])?;
        let weight = (0..inputs).flat_map(|i| rows[i..].iter().step_by(inputs).copied()).collect();
        Ok(Self { weight, bias: read(w, &format!("{name}.bias"), &[outputs])? })
    }

    fn apply(&self, x: &Matrix) -> Matrix {
        x.times_plus(&self.weight, &self.bias)
    }
}

/// A layer norm's gain and bias.
#[derive(Clone, Debug)]
struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f64,
}

impl Norm {
    fn new(w: &FloatWeights, name: &str, d: usize, epsilon: f64) -> Result<Self, WeightsError> {
        let gain = read(w, &format!("{name}.weight"), &[d])?;
        Ok(Self { gain, bias: read(w, &format!("{name}.bias"), &[d])?, epsilon })
    }

    fn apply(&self, x: &Matrix) -> Matrix {
        layer_norm(x, &self.gain, &self.bias, self.epsilon)
    }
}
