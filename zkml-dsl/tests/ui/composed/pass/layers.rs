//! Models that call models: in a loop, from other modules, under other names, three levels deep.

mod layers {
    use zkml_dsl::prelude::*;

    /// A residual layer.
    #[zk_model(SEQ = 8, D = 16, FF = 4 * D, report = line)]
    pub fn block(
        x: Tensor<I12, SEQ, D>,
        #[name = "c_fc.weight"] up: Weight<I8, D, FF>,
        #[name("c_proj.weight", layout = "out_in")] down: Weight<I8, FF, D>,
    ) -> Tensor<I12, SEQ, D> {
        let h = relu(quantize_int8(x.matmul(up)));
        (x + h.matmul(down).quantize::<I12>()).quantize::<I12>()
    }

    /// Some of them, and a head.
    #[zk_model(SEQ = 8, D = 16, L = 2)]
    pub(super) fn stack(
        mut x: Tensor<I12, SEQ, D>,
        #[name = "h"] blocks: [block::Weights; L],
        head: Weight<I8, D, 4>,
    ) -> (Tensor<Acc, SEQ, 4>, Tensor<I12, SEQ, D>) {
        for l in 0..L {
            x = block(x, blocks[l]);
        }
        (matmul(x, head), x)
    }
}

use layers::{block as layer, stack};
use zkml_dsl::prelude::*;
use zkml_dsl::Error;

#[zk_model(report = off)]
fn whole(#[private] x: Tensor<I12, 8, 16>, first: layer::Weights, rest: stack::Weights) -> Tensor<Acc, 8, 4> {
    let (y, _) = stack(layer(x, first), rest);
    y
}

/// Weights by position, and a callee at other dimensions than its defaults.
#[zk_model(report = off)]
fn narrow(x: Tensor<I12, 4, 8>, up: Weight<I8, 8, 32>, down: Weight<I8, 32, 8>) -> Tensor<I12, 4, 8> {
    self::layers::block(x, up, down)
}

#[test]
fn weights_are_named_by_path() {
    let g = stack::with(stack::Dims::default()).unwrap();
    let names: Vec<_> = g.graph().weights.iter().map(|w| w.name.as_str()).collect();
    let want = ["head", "h.0.c_fc.weight", "h.0.c_proj.weight", "h.1.c_fc.weight", "h.1.c_proj.weight"];
    assert_eq!(names, want);
    let w = whole::with(whole::Dims {}).unwrap();
    assert!(w.graph().inputs[0].private);
    let names: Vec<_> = w.graph().weights.iter().map(|w| w.name.as_str()).collect();
    assert!(names.contains(&"first.c_fc.weight") && names.contains(&"rest.h.1.c_proj.weight"), "{names:?}");
}

#[test]
fn dimensions_follow_at_run_time() {
    let wider = stack::with(stack::Dims { D: 32, L: 3, ..Default::default() }).unwrap();
    assert_eq!(wider.graph().weights.len(), 7);
    let up = wider.graph().weights.iter().find(|w| w.name == "h.2.c_fc.weight").unwrap();
    assert_eq!(wider.graph().ty(up.node).shape.dims(), [32, 128]);
}

#[test]
fn a_callee_takes_its_dims_from_the_arguments() {
    let g = narrow::with(narrow::Dims {}).unwrap();
    assert_eq!(g.graph().ty(g.graph().outputs[0].node).shape.dims(), [4, 8]);
}

#[test]
fn a_missing_layer_is_told_by_path() {
    let block = layer::Weights {
        up: Weight::new(&[0i8; 16 * 64]).unwrap(),
        down: Weight::new(&[0i8; 16 * 64]).unwrap(),
    };
    let weights = stack::Weights { blocks: vec![block], head: Weight::new(&[0i8; 64]).unwrap() };
    let e = stack::setup(&weights, Params::default()).err().unwrap();
    let Error::Weights(problems) = &e else { panic!("{e}") };
    assert_eq!(problems.len(), 2);
    assert_eq!(problems[0].to_string(), "`h.1.c_fc.weight` is missing, expected [16, 64]");
}
