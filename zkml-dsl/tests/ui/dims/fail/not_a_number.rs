use zkml_dsl::prelude::*;

#[zk_model(D = 2.5)]
fn model(x: Tensor<I8, 4, D>) -> Tensor<I8, 4, D> {
    relu(x)
}

fn main() {}
