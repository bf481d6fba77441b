use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I12, 4, 768>, w: Weight<I16, 768, 8>) -> Tensor<Acc, 4, 8> {
    matmul(x, w)
}

fn main() {}
