//! Models for other crates.

use zk::prelude::*;

/// Private: only models of this crate call it, and those that call them need not know.
#[zk_model(crate = zk, D = 16, report = off)]
fn linear(x: Tensor<I8, 4, D>, #[name = "weight"] w: Weight<I8, D, D>) -> Tensor<I8, 4, D> {
    quantize_int8(matmul(x, w))
}

/// Two layers with an activation.
#[zk_model(crate = zk, D = 16, report = line)]
pub fn block(x: Tensor<I8, 4, D>, up: linear::Weights, down: linear::Weights) -> Tensor<I8, 4, D> {
    linear(relu(linear(x, up)), down)
}

pub mod nested {
    //! Models below the root.

    /// An activation.
    #[super::zk_model(crate = zk, D = 16, report = off)]
    pub fn activation(x: zk::prelude::Tensor<I8, 4, D>) -> zk::prelude::Tensor<I8, 4, D> {
        relu(x)
    }

    use zk::prelude::I8;
}
