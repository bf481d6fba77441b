use zkml_dsl::prelude::*;

#[zk_model(report = off)]
fn broken(x: Tensor<I8, 64, 768>, w: Weight<I8, 768, 768>) -> Tensor<I8, 64, 768> {
    relu(matmul(x, x))
}

#[zk_model(report = off)]
fn model(x: Tensor<I8, 64, 768>, w: broken::Weights) -> Tensor<I8, 64, 768> {
    broken(x, w)
}

fn main() {}
