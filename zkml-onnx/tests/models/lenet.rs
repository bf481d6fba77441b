//! `lenet`, imported from `lenet.onnx` by `zkml import`.

use zkml_dsl::prelude::*;

#[zk_model]
pub fn lenet(
    image: Tensor<I12, 1, 1, 32, 32>,
    #[name = "conv1.weight"]
    conv1_weight: Weight<I12, 6, 1, 5, 5>,
    #[name = "conv1.bias"]
    conv1_bias: Weight<I24, 6>,
    #[name = "conv2.weight"]
    conv2_weight: Weight<I12, 16, 6, 5, 5>,
    #[name = "conv2.bias"]
    conv2_bias: Weight<I24, 16>,
    #[name("fc1.weight", layout = "out_in")]
    fc1_weight: Weight<I8, 400, 120>,
    #[name = "fc1.bias"]
    fc1_bias: Weight<I24, 120>,
    #[name("fc2.weight", layout = "out_in")]
    fc2_weight: Weight<I12, 120, 84>,
    #[name = "fc2.bias"]
    fc2_bias: Weight<I24, 84>,
    #[name("fc3.weight", layout = "out_in")]
    fc3_weight: Weight<I12, 84, 10>,
    #[name = "fc3.bias"]
    fc3_bias: Weight<I24, 10>,
) -> Tensor<Acc, 1, 10> {
    let pool = max_pool(
        relu(quantize::<I12>(conv2d(image, conv1_weight, conv1_bias))),
        kernel = 2,
    );
    let pool_1 = max_pool(
        relu(quantize::<I12>(conv2d(pool, conv2_weight, conv2_bias))),
        kernel = 2,
    );
    let flatten = reshape(pool_1, shape = [1, 400]);
    let relu_2 = relu(quantize::<I12>(matmul(flatten, fc1_weight) + fc1_bias));
    let relu_3 = relu(quantize::<I12>(matmul(relu_2, fc2_weight) + fc2_bias));
    let output = matmul(relu_3, fc3_weight) + fc3_bias;
    output
}
