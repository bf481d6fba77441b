use zkml_dsl::prelude::*;

#[zk_model(FF = 4 * D, D = 8)]
fn model(x: Tensor<I8, 4, D>, w: Weight<I8, D, FF>) -> Tensor<Acc, 4, FF> {
    matmul(x, w)
}

fn main() {}
