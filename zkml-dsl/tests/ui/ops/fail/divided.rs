use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>) -> Tensor<I8, 4, 8> {
    x / 8.0
}

fn main() {}
