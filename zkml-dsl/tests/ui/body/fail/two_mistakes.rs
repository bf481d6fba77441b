use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>, w: Weight<I8, 8, 8>) -> Tensor<Acc, 4, 8> {
    let a = matmul(x, x);
    let b = reluu(a) + a;
    let c = softmax(w, axis = 3);
    matmul(b, c)
}

fn main() {}
