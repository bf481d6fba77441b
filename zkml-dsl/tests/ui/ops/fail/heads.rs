use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 768>, w_qkv: Weight<I8, 768, 2304>, w_out: Weight<I8, 768, 768>) -> Tensor<Acc, 4, 768> {
    attention(x, w_qkv, w_out, heads = 10)
}

fn main() {}
