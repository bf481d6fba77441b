use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>, w: Weight<I8, 8, 8>) -> Tensor<I8, 4, 8> {
    matmul(x, w)
}

fn main() {}
