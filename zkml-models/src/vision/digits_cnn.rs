//! A small convolutional network on 8 x 8 images of digits.

use super::digits::{brightness, PIXELS};
use zkml_dsl::prelude::*;
use zkml_dsl::weights::{FloatTensor, Shape};

/// Two convolutions, a pool, a linear layer; pixels 0 to 16, a pixel's unit being 1/16. Weights under PyTorch's names.
#[zk_model]
pub fn digits_cnn(
    x: Tensor<U8, 1, 8, 8>,
    #[name = "conv1.weight"] w1: Weight<I8, 8, 1, 3, 3>,
    #[name = "conv1.bias"] b1: Weight<I24, 8>,
    #[name = "conv2.weight"] w2: Weight<I8, 16, 8, 3, 3>,
    #[name = "conv2.bias"] b2: Weight<I24, 16>,
    #[name("fc.weight", layout = "out_in")] w3: Weight<I8, 256, 10>,
    #[name = "fc.bias"] b3: Weight<I24, 10>,
) -> Tensor<Acc, 1, 10> {
    let h = relu(quantize::<U8>(conv2d(x, w1, b1, padding = 1)));
    let h = relu(quantize::<U8>(conv2d(h, w2, b2, padding = 1)));
    matmul(reshape(max_pool(h, kernel = 2), shape = [1, 256]), w3) + b3
}

/// An image as calibration reads it.
pub fn sample(pixels: &[u8; PIXELS]) -> Vec<FloatTensor> {
    vec![FloatTensor::new(Shape::new([1, 8, 8]), brightness(pixels).to_vec())]
}
