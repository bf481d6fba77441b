//! Models in odd places: inside function bodies, and made by `macro_rules`.

use zkml_dsl::prelude::*;

macro_rules! make_linear {
    ($name:ident, $x:ident, $w:ident, $elem:ty, $rows:literal, $d:expr, $result:expr) => {
        #[zk_model(D = $d, report = off)]
        pub fn $name($x: Tensor<$elem, $rows, D>, $w: Weight<I8, D, 4>) -> Tensor<Acc, $rows, 4> {
            $result
        }
    };
}

make_linear!(by_macro, x, w, I8, 3, 8, matmul(x, w));

#[test]
fn made_by_a_macro() {
    let g = by_macro::with(by_macro::Dims { D: 16 }).unwrap();
    assert_eq!(g.graph().ty(g.graph().inputs[0].node).shape.dims(), [3, 16]);
}

#[test]
fn inside_a_function() {
    #[zk_model(report = off)]
    fn inner(x: Tensor<I8, 2, 4>, w: Weight<I8, 4, 4>) -> Tensor<I8, 2, 4> {
        quantize_int8(matmul(x, w))
    }

    #[zk_model(report = off)]
    fn outer(x: Tensor<I8, 2, 4>, a: inner::Weights, b: inner::Weights) -> Tensor<I8, 2, 4> {
        inner(inner(x, a), b)
    }

    assert_eq!(outer::with(outer::Dims {}).unwrap().graph().weights.len(), 2);
}

mod elsewhere {
    /// Another place for the crate.
    pub use zkml_dsl as zk;
}

mod by_path {
    use super::elsewhere::zk::prelude::*;

    #[zk_model(crate = crate::composed_places::elsewhere::zk, report = off)]
    pub fn linear(x: Tensor<I8, 2, 4>, w: Weight<I8, 4, 4>) -> Tensor<Acc, 2, 4> {
        matmul(x, w)
    }

    #[zk_model(crate = crate::composed_places::elsewhere::zk, report = off)]
    pub fn twice(x: Tensor<I8, 2, 4>, w: linear::Weights) -> (Tensor<Acc, 2, 4>, Tensor<Acc, 2, 4>) {
        (linear(x, w), linear(x, w))
    }
}

#[test]
fn shared_weights_are_one() {
    let g = by_path::twice::with(by_path::twice::Dims {}).unwrap();
    assert_eq!(g.graph().weights.len(), 1);
}
