use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 768>, w: Weight<I8, 768, 8>) -> Tensor<I8, 4, 8> {
    quantize_int8(matmul(x, w), scale = 1000000.0)
}

fn main() {}
