use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 1, 1, 1, 1, 1, 4, 8>) -> Tensor<I8, 4, 8> {
    reshape(x, shape = [4, 8])
}

fn main() {}
