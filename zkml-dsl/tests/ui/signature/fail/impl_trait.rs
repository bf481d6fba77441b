use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: impl Into<i32>) -> Tensor<I8, 4, 8> {
    relu(x)
}

fn main() {}
