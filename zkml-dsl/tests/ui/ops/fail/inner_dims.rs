use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 512>, w: Weight<I8, 768, 8>) -> Tensor<Acc, 4, 8> {
    matmul(x, w)
}

fn main() {}
