use zkml_dsl::prelude::*;

#[zk_model()]
fn model(x: Tensor<I8, 4, 8>, w: Weight<I8, 8, 8>) -> Tensor<Acc, 4, 8> {
    let a = if true { x } else { x };
    let b = match a { y => y };
    let c = &b;
    let d = |y| y;
    let e = x as I12;
    println!("{e}");
    while true {}
    let f = w.field;
    let g = "text";
    let mut h = x;
    h += x;
    struct Inner;
    return matmul(x, w);
    matmul(x, w)
}

fn main() {}
