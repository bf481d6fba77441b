use zkml_dsl::prelude::*;

#[zk_model(report = off)]
fn block(x: Tensor<I8, 64, 768>, w: Weight<I8, 768, 768>) -> Tensor<I8, 64, 768> {
    quantize_int8(matmul(x, w))
}

#[zk_model(report = off)]
fn model(x: Tensor<I8, 64, 512>, w: block::Weights) -> Tensor<I8, 64, 768> {
    block(x, w)
}

fn main() {}
