//! Names and layouts of weights in files.

use zkml_dsl::prelude::*;

#[zk_model(report = off)]
fn named(
    x: Tensor<I8, 2, 4>,
    #[name = "fc.weight"] w: Weight<I8, 4, 4>,
    #[name("out.weight", layout = "out_in")] v: Weight<I8, 4, 6>,
) -> Tensor<Acc, 2, 6> {
    matmul(quantize_int8(matmul(x, w)), v)
}

#[test]
fn names_and_layouts() {
    let g = named::with(named::Dims {}).unwrap();
    let w: Vec<_> = g.graph().weights.iter().map(|w| (w.name.as_str(), format!("{:?}", w.layout))).collect();
    assert_eq!(w, [("fc.weight", "InOut".to_string()), ("out.weight", "OutIn".to_string())]);
    assert_eq!(g.graph().ty(g.graph().weights[1].node).shape.dims(), [4, 6]);
}
