//! Random graphs on extreme integers: every value stays in its declared interval.

use crate::elem::Elem;
use crate::graph::{Graph, GraphBuilder, Layout, NodeId, Op, Params, Rescale};
use crate::ops::quantize::scale::{rescale, Admissible};
use crate::ops::Arg;
use crate::shape::Shape;
use crate::tensor::IntTensor;
use crate::testing::{integers, op, try_op, try_quantize, Random};

const ELEMS: [Elem; 4] = [Elem::I8, Elem::I12, Elem::I16, Elem::U8];
const SIDE: usize = 4;

/// A dozen ops on square tensors; those that the rules refuse are left out.
fn random_graph(r: &mut Random) -> Graph {
    let mut b = GraphBuilder::new("random");
    let shape = || Shape::new([SIDE, SIDE]);
    let mut nodes: Vec<NodeId> = vec![];
    for i in 0..3 {
        let elem = ELEMS[r.next() as usize % 4];
        nodes.push(b.input(format!("x{i}"), elem, shape(), false));
        nodes.push(b.weight(format!("w{i}"), elem, shape(), Layout::InOut));
    }
    nodes.push(b.weight("bias", Elem::I24, Shape::new([SIDE]), Layout::InOut));
    for i in 0..12 {
        let mut pick = || nodes[r.next() as usize % nodes.len()];
        let (x, y, z) = (pick(), pick(), pick());
        let keep = [("axis", Arg::Int((i % 2) as i64)), ("keep", Arg::Bool(true))];
        let half = [("axis", Arg::Int(0)), ("range", Arg::Range(1, 3))];
        let bound = (r.between(-300, 300) as f64 / 100.0, r.between(0, 500) as f64 / 100.0);
        let bounds = [("lo", Arg::Real(bound.0)), ("hi", Arg::Real(bound.0 + bound.1))];
        let result = match r.next() % 29 {
            0 | 1 => try_op(&mut b, "matmul", &[x, y], &[]),
            2 => try_op(&mut b, "add", &[x, y], &[]),
            3 => try_op(&mut b, "sub", &[x, y], &[]),
            4 => try_op(&mut b, "mul", &[x, y], &[]),
            5 => try_op(&mut b, "neg", &[x], &[]),
            6 => try_op(&mut b, "mul", &[x], &[("by", Arg::Int(r.between(-9, 9)))]),
            7 => try_op(&mut b, "relu", &[x], &[]),
            8 => try_op(&mut b, "gelu", &[x], &[]),
            9 => try_op(&mut b, "layer_norm", &[x], &[]),
            20 => try_op(&mut b, "rms_norm", &[x], &[("fraction", Arg::Int(r.between(7, 9)))]),
            10 => try_op(&mut b, "softmax", &[x], &[("causal", Arg::Bool(r.next().is_multiple_of(2)))]),
            11 => {
                let part = try_op(&mut b, "slice", &[x], &half);
                part.and_then(|part| try_op(&mut b, "concat", &[part, part], &[("axis", Arg::Int(0))]))
            }
            12 => try_op(&mut b, "sigmoid", &[x], &[]),
            13 => try_op(&mut b, "tanh", &[x], &[]),
            14 => try_op(&mut b, "silu", &[x], &[]),
            15 => try_op(&mut b, "gelu", &[x], &[("tanh", Arg::Bool(true))]),
            16 => try_op(&mut b, "abs", &[x], &[]),
            17 => try_op(&mut b, "clamp", &[x], &bounds),
            18 => try_op(&mut b, "square", &[x], &[]),
            19 => {
                let name = ["rsqrt", "reciprocal", "sqrt", "log", "sin", "cos"][r.next() as usize % 6];
                try_op(&mut b, name, &[x], &[])
            }
            21 => try_op(&mut b, ["sum", "mean"][i % 2], &[x], &keep),
            22 => try_op(&mut b, "max", &[x], &keep),
            23 => try_op(&mut b, "argmax", &[x], &keep),
            24 => try_op(&mut b, "div", &[x], &[("by", Arg::Int(r.between(1, 5000)))]),
            25 => try_op(&mut b, ["greater", "less_equal", "equal"][i % 3], &[x, y], &[]),
            26 => {
                let flags = try_op(&mut b, "greater_equal", &[x, y], &[]);
                flags.and_then(|c| try_op(&mut b, "select", &[c, z, x], &[]))
            }
            27 => try_op(&mut b, "top_k", &[x], &[("k", Arg::Int(4))]),
            // An accumulator may be too wide for any scale.
            _ => try_quantize(&mut b, x, ELEMS[r.next() as usize % 4]),
        };
        nodes.extend(result);
    }
    let last = *nodes.last().expect("inputs");
    let last = op(&mut b, "neg", &[last], &[]);
    b.output("y", last);
    b.finish()
}

/// The largest ratio that keeps every accumulator of the declared interval in the window.
fn widest(g: &Graph, node: NodeId) -> Rescale {
    let Op::Quantize { to, window, .. } = g.node(node).op else { panic!("a rescale is a quantisation") };
    let a = Admissible::new(g.ty(g.node(node).args[0]).interval, to, window);
    let inside = |r: &Rescale| rescale(a.acc.max_abs(), *r) < 1 << (window - 1);
    let all = a.shifts().flat_map(|(s, most)| [1, most.min(3), most].map(|m| Rescale { m, s }));
    all.filter(inside).max_by_key(|r| ((r.m as u64) << 32) >> r.s).expect("covers")
}

#[test]
fn values_stay_in_their_intervals() {
    let mut nodes = 0;
    for seed in 0..300 {
        let mut r = Random(seed);
        let g = random_graph(&mut r);
        let rescales = g.rescales.iter().map(|d| widest(&g, d.node)).collect();
        let params = Params { rescales, steps: vec![0.01; g.steps.len()] };
        let mut extreme = |node: NodeId| -> Vec<i64> {
            let i = g.ty(node).interval;
            let value = |r: &mut Random| match r.next() % 4 {
                0 => r.between(i.lo, i.hi),
                1 => i.hi,
                _ => i.lo,
            };
            (0..g.ty(node).shape.len()).map(|_| value(&mut r)).collect()
        };
        let inputs: Vec<_> = g.inputs.iter().map(|p| extreme(p.node)).collect();
        let weights = g.weights.iter().map(|w| {
            let values = extreme(w.node).into_iter().map(|v| v as i32).collect();
            IntTensor::from_checked(g.ty(w.node).shape.clone(), g.ty(w.node).interval, values)
        });
        nodes += g.nodes.len();
        // The evaluator asserts intervals and windows.
        integers(&g, &params, &weights.collect::<Vec<_>>(), &inputs);
    }
    assert!(nodes > 300 * 13, "the rules refuse too much: {nodes} nodes");
}
