//! Small graphs built through the language's ops.

use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, NodeId, Rescale};
use zkml_ir::ops::{self, Arg, Call};
use zkml_ir::shape::Shape;

pub fn call(b: &mut GraphBuilder, op: &str, tensors: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    let call = Call {
        tensors: tensors.to_vec(),
        named: named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect(),
        elem: None,
        name: format!("{op}{}", b.graph().nodes.len()),
    };
    ops::find(op).expect("an op").build(b, &call).unwrap_or_else(|e| panic!("{op}: {e:?}"))[0]
}

/// relu(quantize_int8(x w1 + b1)) w2, odd extents on purpose.
pub fn mlp() -> (Graph, Vec<Rescale>) {
    let mut b = GraphBuilder::new("mlp");
    let x = b.input("x", Elem::I8, Shape::new([3, 20]), false);
    let w1 = b.weight("w1", Elem::I8, Shape::new([20, 24]), Layout::InOut);
    let b1 = b.weight("b1", Elem::I24, Shape::new([24]), Layout::InOut);
    let w2 = b.weight("w2", Elem::I8, Shape::new([24, 10]), Layout::InOut);
    let h = call(&mut b, "matmul", &[x, w1], &[]);
    let h = call(&mut b, "add", &[h, b1], &[]);
    let h = call(&mut b, "quantize_int8", &[h], &[]);
    let h = call(&mut b, "relu", &[h], &[]);
    let y = call(&mut b, "matmul", &[h, w2], &[]);
    b.output("y", y);
    (b.finish(), vec![Rescale { m: 1, s: 9 }])
}
