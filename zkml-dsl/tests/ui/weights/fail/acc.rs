use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<Acc, 4, 8>) -> Tensor<I8, 4, 8> {
    quantize_int8(x)
}

fn main() {}
