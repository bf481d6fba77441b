//! `mlp`, imported from `mlp.onnx` by `zkml import`.

use zkml_dsl::prelude::*;

#[zk_model]
pub fn mlp(
    x: Tensor<I12, 1, 64>,
    #[name("0.weight", layout = "out_in")]
    x0_weight: Weight<I12, 64, 48>,
    #[name = "0.bias"]
    x0_bias: Weight<I24, 48>,
    #[name("2.weight", layout = "out_in")]
    x2_weight: Weight<I12, 48, 32>,
    #[name = "2.bias"]
    x2_bias: Weight<I24, 32>,
    #[name("4.weight", layout = "out_in")]
    x4_weight: Weight<I12, 32, 10>,
    #[name = "4.bias"]
    x4_bias: Weight<I24, 10>,
) -> Tensor<Acc, 1, 10> {
    let x1 = relu(quantize::<I12>(matmul(x, x0_weight) + x0_bias));
    let x3 = gelu(quantize::<I12>(matmul(x1, x2_weight) + x2_bias));
    let output = matmul(x3, x4_weight) + x4_bias;
    output
}
