use zkml_dsl::prelude::*;

#[zk_model(report = off)]
fn block(x: Tensor<I8, 64, 768>, w: Weight<I8, 768, 768>) -> Tensor<I8, 64, 768> {
    quantize_int8(matmul(x, w))
}

#[zk_model(L = 3, report = off)]
fn model(mut x: Tensor<I8, 64, 768>, blocks: [block::Weights; L]) -> Tensor<I8, 64, 768> {
    for l in 0..L + 1 {
        x = block(x, blocks[l]);
    }
    x
}

fn main() {}
