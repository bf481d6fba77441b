use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>, w: Weight<I8, 8, 8>) -> Tensor<Acc, 4, 8> {
    let h = matmul(x, w);
    matmul(h, w)
}

fn main() {}
