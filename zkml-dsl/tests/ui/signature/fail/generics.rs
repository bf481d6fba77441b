use zkml_dsl::prelude::*;

#[zk_model()]
fn model<const N: usize>(x: Tensor<I8, 4, N>) -> Tensor<I8, 4, N> {
    relu(x)
}

fn main() {}
