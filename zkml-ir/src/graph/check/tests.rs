use super::GraphError;
use crate::cost;
use crate::elem::Elem;
use crate::graph::{Graph, GraphBuilder, Layout, Op};
use crate::ops::Arg;
use crate::shape::Shape;
use crate::testing::{op, quantize};
use serde_json::Value;

/// A convolution, pools, views, rows, a product: one of most shape rules.
fn graph() -> Graph {
    let mut b = GraphBuilder::new("t");
    let x = b.input("x", Elem::I8, Shape::new([2, 6, 6]), false);
    let kernel = b.weight("kernel", Elem::I8, Shape::new([4, 2, 3, 3]), Layout::InOut);
    let w = b.weight("w", Elem::I8, Shape::new([9, 8]), Layout::InOut);
    let bias = b.weight("bias", Elem::I24, Shape::new([8]), Layout::InOut);
    let c = op(&mut b, "conv2d", &[x, kernel], &[("padding", Arg::Int(1))]);
    let c = quantize(&mut b, c, Elem::I8);
    let c = op(&mut b, "max_pool", &[c], &[("kernel", Arg::Int(2))]);
    let c = op(&mut b, "reshape", &[c], &[("shape", Arg::Ints(vec![4, 9]))]);
    let h = op(&mut b, "matmul", &[c, w], &[]);
    let h = op(&mut b, "add", &[h, bias], &[]);
    let h = quantize(&mut b, h, Elem::I12);
    let h = op(&mut b, "gather", &[h], &[("index", Arg::Ints(vec![3, 0])), ("axis", Arg::Int(0))]);
    let h = op(&mut b, "softmax", &[h], &[]);
    let h = op(&mut b, "sum", &[h], &[("axes", Arg::Ints(vec![1]))]);
    b.output("y", h);
    b.finish()
}

/// `change` and what is then said.
fn refused(change: impl FnOnce(&mut Graph)) -> GraphError {
    let mut g = graph();
    assert_eq!(g.check(), Ok(()));
    change(&mut g);
    g.check().unwrap_err()
}

fn find(g: &Graph, f: impl Fn(&Op) -> bool) -> usize {
    g.nodes.iter().position(|n| f(&n.op)).expect("such a node")
}

#[test]
fn what_does_not_fit_is_named() {
    let error = refused(|g| {
        let id = find(g, |o| matches!(o, Op::MatMul));
        g.nodes[id].args[1] = id;
    });
    assert!(
        matches!(&error, GraphError::Later { name, node, arg } if name == "matmul" && node == arg),
        "{error}"
    );

    let error = refused(|g| {
        let id = find(g, |o| matches!(o, Op::MatMul));
        g.nodes[id].ty.shape = Shape::new([4, 7]);
    });
    let GraphError::Shape { args, got, .. } = &error else { panic!("{error}") };
    assert_eq!((args.as_str(), got.as_str()), ("[4, 9], [9, 8]", "[4, 7]"));

    let error = refused(|g| g.weights.swap(0, 1));
    assert!(matches!(error, GraphError::Node { node: 1, .. }), "{error}");
    let error = refused(|g| g.inputs.push(g.inputs[0].clone()));
    assert!(matches!(error, GraphError::Declaration { what: "input", index: 1, .. }), "{error}");
    let error = refused(|g| g.outputs[0].node = 99);
    assert!(matches!(error, GraphError::Declaration { what: "output", node: 99, .. }), "{error}");
    let error = refused(|g| g.rescales.clear());
    assert!(matches!(error, GraphError::Node { .. }), "{error}");

    let error = refused(|g| {
        let solved = *g.steps.solved.keys().next().expect("the bias takes a step");
        g.steps.solved.insert(solved, crate::graph::Step::free(solved));
    });
    let GraphError::Steps(why) = &error else { panic!("{error}") };
    assert!(why.ends_with("solved by steps that it solves"), "{why}");
}

/// Every number of a graph's file, changed: either that is no graph, or there is a report of it or a reason why not.
#[test]
fn a_changed_file_never_panics() {
    let file = serde_json::to_value(graph()).unwrap();
    let mut places = vec![];
    numbers(&file, String::new(), &mut places);
    let mut refused = 0;
    for place in &places {
        for number in [0u64, 1, 7, 1_000_000, 1 << 40] {
            let mut changed = file.clone();
            *changed.pointer_mut(place).unwrap() = number.into();
            match serde_json::from_value::<Graph>(changed) {
                Ok(g) if g.check() == Ok(()) => drop(cost::report(&g)),
                _ => refused += 1,
            }
        }
    }
    assert!(refused > places.len(), "{refused} of {}", places.len());
}

/// The JSON pointers of all numbers.
fn numbers(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Number(_) => places.push(at),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(i, v)| numbers(v, format!("{at}/{i}"), places))
        }
        Value::Object(all) => all.iter().for_each(|(k, v)| numbers(v, format!("{at}/{k}"), places)),
        _ => {}
    }
}
