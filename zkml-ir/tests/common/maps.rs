//! Ops by their names, as the language builds them.

use super::Model;
use zkml_ir::elem::Elem;
use zkml_ir::graph::NodeId;
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::tensor::IntTensor;

pub fn ops(g: &mut Model, name: &str, tensors: &[NodeId], named: &[(&str, Arg)]) -> Vec<NodeId> {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let path = format!("{name}{}", g.b.graph().nodes.len());
    let call = Call { tensors: tensors.to_vec(), named, elem: None, name: path };
    find(name).unwrap().build(&mut g.b, &call).unwrap()
}

pub fn op(g: &mut Model, name: &str, tensors: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    ops(g, name, tensors, named)[0]
}

pub fn ints(t: &IntTensor) -> Vec<i64> {
    t.to_vec().iter().map(|&v| v as i64).collect()
}

/// `quantize::<I8>` that keeps the whole interval in its window.
pub fn narrow(g: &mut Model, h: NodeId) -> NodeId {
    let most = g.ty(h).interval.max_abs();
    let s = (1..).find(|s| most >> s < 1 << 14).unwrap();
    g.quantize(h, Elem::I8, 16, 1, s)
}
