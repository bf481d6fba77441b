use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>) -> Tensor<Acc, 4, 8> {
    x * x + x
}

fn main() {}
