use zkml_dsl::prelude::*;

#[zk_model()]
fn backwards(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
    gather(x, index = [0..2, 3..1], axis = 0)
}

#[zk_model()]
fn nested(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
    gather(x, index = [[0, 1], [2, 3]], axis = 0)
}

#[zk_model()]
fn reversed(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
    gather(x, index = [0, 1].rev(), axis = 0)
}

#[zk_model()]
fn endless(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
    gather(x, index = [(0..99999999).rev()], axis = 0)
}

fn main() {}
