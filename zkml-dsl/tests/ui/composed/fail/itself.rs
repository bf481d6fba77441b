use zkml_dsl::prelude::*;

#[zk_model(report = off)]
fn model(x: Tensor<I8, 4, 8>) -> Tensor<I8, 4, 8> {
    model(x)
}

fn main() {}
