use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>) -> Tensor<I8, 4, 8> {
    let y = relu(x);
    y = relu(y);
    y
}

fn main() {}
