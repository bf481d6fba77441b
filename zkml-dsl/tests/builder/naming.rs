//! Paths of nodes and weights.

use zkml_dsl::builder::{BuildError, Builder, Var};
use zkml_dsl::Elem;
use zkml_ir::graph::Graph;
use zkml_ir::ops;

fn finish(b: Builder, y: Var) -> Graph {
    b.output("y", y).unwrap();
    b.finish().unwrap().graph().clone()
}

fn names(g: &Graph) -> Vec<&str> {
    g.nodes.iter().map(|n| n.name.as_str()).collect()
}

#[test]
fn paths_are_unique() {
    let b = Builder::new("t");
    let x = b.input("x", Elem::I8, [2, 2]).unwrap();
    let y = b.relu(x).unwrap();
    let y = b.relu(y).unwrap();
    let y = b.op("relu").named("act[3]").of(y).unwrap();
    let y = b.op("relu").named("act[3]").of(y).unwrap();
    let y = b.op("relu").named("relu_3").of(y).unwrap();
    let y = b.relu(y).unwrap();
    // A scope is as unique as a node, and every clone of the builder knows of both.
    let y = b.scope("relu").relu(y).unwrap();
    let inner = b.scope("part").scope("a[0]");
    let y = inner.relu(y).unwrap();
    let y = inner.op("relu").named("").of(y).unwrap();
    let y = b.scope("part").relu(y).unwrap();
    let want = [
        "x",
        "relu",
        "relu_2",
        "act[3]",
        "act_2[3]",
        "relu_3",
        "relu_4",
        "relu_5.relu",
        "part.a[0].relu",
        "part.a[0].relu_2",
        "part_2.relu",
    ];
    assert_eq!(names(&finish(b, y)), want);
}

#[test]
fn weights_have_the_path_of_their_block() {
    let b = Builder::new("t");
    let x = b.input("x", Elem::I8, [2, 4]).unwrap();
    let fc = b.weights_under("h").weights_under("0").scope("block");
    let y = fc.add(fc.matmul(x, fc.weight("w", Elem::I8, [4, 4]).unwrap()).unwrap(), {
        b.weight("b", Elem::I24, [4]).unwrap()
    });
    let g = finish(b, y.unwrap());
    assert_eq!(g.weights.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(), ["h.0.w", "b"]);
    assert_eq!(g.steps.names, ["x", "h.0.w", "b"]);
}

/// What was refused is not in the graph, took no name and solved no step.
#[test]
fn a_mistake_leaves_nothing() {
    let build = |mistakes: bool| {
        let b = Builder::new("t");
        let x = b.input("x", Elem::I8, [4, 8]).unwrap();
        let mask = b.input("mask", Elem::U8, [4]).unwrap();
        let w = b.weight("w", Elem::I8, [8, 24]).unwrap();
        let out = b.weight("out", Elem::I8, [8, 8]).unwrap();
        let bias = b.weight("bias", Elem::I24, [8]).unwrap();
        let attention = b.op("attention").arg("heads", 2).arg("mask", mask).on([x, w, out]);
        if mistakes {
            let e = attention.clone().arg("b_out", mask).build().unwrap_err();
            assert!(matches!(e, BuildError::Call(_)), "{e}");
            let e = attention.clone().build_n::<2>().unwrap_err();
            assert_eq!(e, BuildError::Results { op: "attention", expected: 2, got: 1 });
            b.input("x", Elem::I8, [1]).unwrap_err();
            b.weight("w", Elem::I8, [1]).unwrap_err();
            b.output("y", Builder::new("u").input("x", Elem::I8, [1]).unwrap()).unwrap_err();
        }
        let y = attention.arg("b_out", bias).build_all().unwrap();
        assert_eq!(y.len(), 1);
        finish(b, y[0])
    };
    assert_eq!(build(true), build(false));
}

/// Each op of the language is called by its name, and it is the op's own signature that answers.
#[test]
fn every_op_is_reached() {
    for op in ops::all() {
        let b = Builder::new("t");
        let x = b.input("x", Elem::I8, [2, 2]).unwrap();
        let e = b.op(op.name()).on(vec![x; 9]).arg("no_such_argument", 1).build().unwrap_err();
        let BuildError::Call(e) = e else { panic!("{e}") };
        assert_eq!((e.op, e.path.as_str()), (op.name(), op.name()));
        assert!(e.to_string().contains(op.name()), "{e}");
        if op.signature().min_tensors > 0 {
            let e = b.op(op.name()).build().unwrap_err();
            assert!(e.to_string().contains("got 0"), "{e}");
        }
    }
}

#[test]
fn arguments_of_every_kind() {
    let b = Builder::new("t");
    let x = b.input("x", Elem::I8, [2, 3, 4]).unwrap();
    let y = b.transpose(x, &[0, 2, 1]).unwrap();
    assert_eq!(b.shape(y).unwrap().dims(), [2, 4, 3]);
    let y = b.reshape(y, &[8, 3]).unwrap();
    let y = b.slice(y, 1, 1..3).unwrap();
    let z = b.op("slice").arg("axis", 1).arg("range", 0..2).of(y).unwrap();
    let y = b.concat([y, z], 0).unwrap();
    assert_eq!(b.shape(y).unwrap().dims(), [16, 2]);
    let y = b.scale(b.sub(b.neg(y).unwrap(), y).unwrap(), 0.5).unwrap();
    let y = b.op("mul").arg("by", 3).of(y).unwrap();
    let y = b.quantize(Elem::I8).arg("scale", 0.25).named("q").of(y).unwrap();
    assert_eq!(b.elem(y).unwrap(), Elem::I8);
    let last = finish(b, y).nodes.pop().unwrap();
    assert_eq!(last.name, "q");
}
