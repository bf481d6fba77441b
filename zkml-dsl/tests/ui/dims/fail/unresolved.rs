use zkml_dsl::prelude::*;

#[zk_model(D = 8)]
fn model(x: Tensor<I8, 4, D>, w: Weight<I8, D, K>) -> Tensor<Acc, 4, K> {
    matmul(x, w)
}

fn main() {}
