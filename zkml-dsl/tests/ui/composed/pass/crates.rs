//! Models of another crate, which knows the DSL by another name.

use zkml_dsl::prelude::*;
use zkml_test_layers::{block, nested};

#[zk_model(L = 2, D = 8, report = off)]
fn net(mut x: Tensor<I8, 4, D>, h: [block::Weights; L]) -> Tensor<I8, 4, D> {
    for l in 0..L {
        x = nested::activation(block(x, h[l]));
    }
    zkml_test_layers::nested::activation(x)
}

#[test]
fn models_of_another_crate_are_inlined() {
    let g = net::with(net::Dims { L: 3, ..Default::default() }).unwrap();
    let names: Vec<_> = g.graph().weights.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names.len(), 6);
    assert_eq!(names[..2], ["h.0.up.weight", "h.0.down.weight"]);
    assert_eq!(g.graph().ty(g.graph().weights[0].node).shape.dims(), [8, 8]);
    let last = g.graph().rescales.last().unwrap();
    assert_eq!(last.name, "block[2].linear_2.quantize_int8");
}
