//! A perceptron with one hidden layer on 8 x 8 images.

use super::digits::{brightness, PIXELS};
use zkml_dsl::prelude::*;
use zkml_dsl::units::to_units;
use zkml_dsl::weights::{FloatTensor, Shape};
use zkml_dsl::Error;
use zkml_ir::graph::Graph;

/// The network's input.
pub type Image = Tensor<U8, 1, 64>;

/// Pixels 0 to 16, a pixel's unit being 1/16; the largest logit names the digit.
#[zk_model(H = 64)]
pub fn mlp_digits(
    x: Tensor<U8, 1, 64>,
    w1: Weight<I8, 64, H>,
    b1: Weight<I24, H>,
    w2: Weight<I8, H, 10>,
    b2: Weight<I24, 10>,
) -> Tensor<Acc, 1, 10> {
    let h = relu(quantize_int8(matmul(x, w1) + b1));
    matmul(h, w2) + b2
}

/// An image as the network's input.
pub fn image(graph: &Graph, params: &Params, pixels: &[u8; PIXELS]) -> Result<Image, Error> {
    Tensor::from_int(to_units(graph, params, 0, &brightness(pixels))?)
}

/// An image as calibration reads it.
pub fn sample(pixels: &[u8; PIXELS]) -> Vec<FloatTensor> {
    vec![FloatTensor::new(Shape::new([1, PIXELS]), brightness(pixels).to_vec())]
}
