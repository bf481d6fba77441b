//! Models that must compile, and what their typed surface does.

use zkml_dsl::prelude::*;

#[zk_model(H = 256)]
fn mlp(x: Tensor<I8, 1, 784>, w1: Weight<I8, 784, H>, b1: Weight<I24, H>, w2: Weight<I8, H, 10>)
    -> Tensor<Acc, 1, 10>
{
    let h = matmul(x, w1) + b1;
    let h = relu(quantize_int8(h));
    matmul(h, w2)
}

#[test]
fn graph() {
    let g = mlp::with(mlp::Dims::default()).unwrap();
    assert_eq!(g.graph().weights.len(), 3);
}
