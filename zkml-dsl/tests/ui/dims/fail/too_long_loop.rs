use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>) -> Tensor<I8, 4, 8> {
    let mut y = x;
    for _ in 0..1000000 {
        y = relu(y);
    }
    y
}

fn main() {}
