use zkml_dsl::prelude::*;

#[zk_model(D = 8, H = D / 3)]
fn model(x: Tensor<I8, 4, D>, w: Weight<I8, D, H>) -> Tensor<Acc, 4, H> {
    matmul(x, w)
}

fn main() {}
