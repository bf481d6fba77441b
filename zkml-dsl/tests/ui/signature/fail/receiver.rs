use zkml_dsl::prelude::*;

struct Net;

impl Net {
    #[zk_model]
    fn model(&self, x: Tensor<I8, 4, 8>) -> Tensor<I8, 4, 8> {
        relu(x)
    }
}

fn main() {}
