//! LeNet-5 (LeCun et al. 1998) with ReLU and maximum pools, on digits of 32 x 32 pixels.

use super::digits::{brightness, PIXELS};
use zkml_dsl::prelude::*;
use zkml_dsl::weights::{FloatTensor, Shape};

/// Weights under PyTorch's names.
#[zk_model]
pub fn lenet5(
    x: Tensor<U8, 1, 32, 32>,
    #[name = "conv1.weight"] w1: Weight<I8, 6, 1, 5, 5>,
    #[name = "conv1.bias"] b1: Weight<I24, 6>,
    #[name = "conv2.weight"] w2: Weight<I8, 16, 6, 5, 5>,
    #[name = "conv2.bias"] b2: Weight<I24, 16>,
    #[name("fc1.weight", layout = "out_in")] w3: Weight<I8, 400, 120>,
    #[name = "fc1.bias"] b3: Weight<I24, 120>,
    #[name("fc2.weight", layout = "out_in")] w4: Weight<I8, 120, 84>,
    #[name = "fc2.bias"] b4: Weight<I24, 84>,
    #[name("fc3.weight", layout = "out_in")] w5: Weight<I8, 84, 10>,
    #[name = "fc3.bias"] b5: Weight<I24, 10>,
) -> Tensor<Acc, 1, 10> {
    let h = max_pool(relu(quantize::<U8>(conv2d(x, w1, b1))), kernel = 2);
    let h = max_pool(relu(quantize::<U8>(conv2d(h, w2, b2))), kernel = 2);
    let h = relu(quantize::<U8>(matmul(reshape(h, shape = [1, 400]), w3) + b3));
    let h = relu(quantize::<U8>(matmul(h, w4) + b4));
    matmul(h, w5) + b5
}

const SIDE: usize = 32;

/// An image of 8 x 8 as the network was trained on it: every pixel a square of 3 x 3, four black pixels around.
pub fn enlarge(pixels: &[u8; PIXELS]) -> Vec<f32> {
    let small = brightness(pixels);
    let at = |i: usize| i.checked_sub(4).map(|i| i / 3).filter(|&i| i < 8);
    let pixel = |k: usize| at(k / SIDE).zip(at(k % SIDE)).map_or(0.0, |(y, x)| small[y * 8 + x]);
    (0..SIDE * SIDE).map(pixel).collect()
}

/// An image as calibration reads it.
pub fn sample(pixels: &[u8; PIXELS]) -> Vec<FloatTensor> {
    vec![FloatTensor::new(Shape::new([1, SIDE, SIDE]), enlarge(pixels))]
}
