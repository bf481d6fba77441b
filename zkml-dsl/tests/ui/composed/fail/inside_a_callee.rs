use zkml_dsl::prelude::*;

#[zk_model(D = 16, report = off)]
fn halves(x: Tensor<I8, 4, D>, w: Weight<I8, D, D>) -> Tensor<I8, 4, { D / 2 }> {
    let h = quantize_int8(matmul(x, w));
    slice(h, axis = 1, range = 0..D / 4 * 2)
}

#[zk_model(report = off)]
fn model(x: Tensor<I8, 4, 10>, w: halves::Weights) -> Tensor<I8, 4, 5> {
    halves(x, w)
}

fn main() {}
