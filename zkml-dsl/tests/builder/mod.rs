//! Models that are built at run time: the macro's graphs, keys and proofs, and what is refused.

mod blocks;
mod errors;
mod gpt2;
mod naming;
mod proofs;
mod same;

#[path = "../../../zkml-models/src/bert/layer.rs"]
mod bert;

use zkml_dsl::prelude::*;

/// The model of the README.
#[zk_model(H = 256, report = off)]
fn mlp(
    x: Tensor<I8, 1, 784>,
    w1: Weight<I8, 784, H>,
    b1: Weight<I24, H>,
    w2: Weight<I8, H, 10>,
) -> Tensor<Acc, 1, 10> {
    let h = matmul(x, w1) + b1;
    let h = relu(quantize_int8(h));
    matmul(h, w2)
}
