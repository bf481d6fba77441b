use zkml_dsl::prelude::*;

#[zk_model()]
fn model(
    x: Tensor<I8, 4, 8>,
    #[name = "w"] v: Weight<I8, 8, 8>,
    w: Weight<I8, 8, 8>,
) -> Tensor<Acc, 4, 8> {
    matmul(x, v) * 1 + matmul(x, w) * 1
}

fn main() {}
