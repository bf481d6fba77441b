//! Everything the body of a model may hold.

use zkml_dsl::prelude::*;

/// A macro's own attribute order, visibility and lints carry over.
#[allow(non_snake_case)]
#[zk_model(SEQ = 4, D = 8, HALF = D / 2, report = off)]
#[cfg(test)]
pub(crate) fn grammar(
    mut x: Tensor<I12, SEQ, D>,
    w: Weight<I8, D, { 2 * HALF }>,
    v: Weight<I8, D, D>,
) -> (Tensor<I12, SEQ, { HALF }>, Tensor<I12, SEQ, D>) {
    const TWICE: i64 = 2 * 1;
    let (a, b) = (x.matmul(w), matmul(x, v));
    let c: Tensor<Acc, SEQ, D> = (a * TWICE) + a - (-a);
    let _ = b * 0.5;
    for _ in 0..2 {
        for i in 0..HALF {
            x = quantize::<I12>(matmul(x, v) * 1);
            let y = slice(x, axis = 1, range = i..i + 1);
            let _ = y;
        }
    }
    let left = slice(x, axis = 1, range = 0..HALF);
    (left, c.quantize::<I12>())
}

/// Ranges in a list, up and down, of dimensions too.
#[zk_model(N = 6, report = off)]
fn mirrored(x: Tensor<I8, N>) -> Tensor<I8, { 2 * N - 1 }> {
    gather(x, index = [0..N, (1..N).rev(), 3..3], axis = 0)
}

#[test]
fn ranges_in_lists() {
    let listed = |n: usize| match &mirrored::with(mirrored::Dims { N: n }).unwrap().graph().nodes[1].op {
        zkml_ir::graph::Op::Gather { index, .. } => index.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(6), [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1]);
    assert_eq!(listed(4), [0, 1, 2, 3, 3, 2, 1]);
}

#[test]
fn outputs_are_named_after_their_bindings() {
    let g = grammar::with(grammar::Dims::default()).unwrap();
    let names: Vec<_> = g.graph().outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["output0", "output1"]);
    assert_eq!(g.graph().rescales.len(), 2 * 4 + 1);
    // Each iteration has its own rescale, by name too.
    let mut names: Vec<_> = g.graph().rescales.iter().map(|r| &r.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 9);
}

#[test]
fn computed_dims_follow() {
    let g = grammar::with(grammar::Dims { D: 16, ..Default::default() }).unwrap();
    assert_eq!(g.graph().ty(g.graph().outputs[0].node).shape.dims(), [4, 8]);
    assert!(grammar::with(grammar::Dims { D: 15, ..Default::default() })
        .unwrap_err()
        .to_string()
        .contains("15 / 2 is not whole"));
}
