//! A perceptron with one hidden layer on 8 x 8 images.

use zkml_dsl::prelude::*;

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
