use zkml_dsl::prelude::*;

#[zk_model(N = 0)]
fn model(x: Tensor<I8, 4, 8>, w: Weight<I8, 8, N>) -> Tensor<Acc, 4, N> {
    matmul(x, w)
}

fn main() {}
