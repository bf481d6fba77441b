//! Rows of a table by one-hot vectors: `(tokens = 0..n) W`, as JAX writes an embedding.

use super::{replace, View};
use crate::net::{Attributes, Net, Node, Value, ValueId};
use crate::tensor::Tensor;

pub fn run(net: &mut Net) {
    for at in (0..net.nodes.len()).rev() {
        let Some((tokens, table)) = find(&View::new(net), &net.nodes[at]) else { continue };
        let out = net.nodes[at].output();
        let rank = net.dims(out).len();
        let dims = net.dims(out)[..rank - 1].to_vec();
        let shape = net.constant("", Tensor::ints(dims.iter().map(|&d| d as i64).collect::<Vec<_>>()));
        let kind = net.values[tokens].kind;
        let name = net.nodes[at].name.clone();
        let flat = net.add(Value { name: name.clone(), kind, dims, constant: None });
        replace(net, at, "Gather", vec![Some(table), Some(flat)], Attributes::default());
        let renamed = Node {
            name,
            op: "Reshape".into(),
            inputs: vec![Some(tokens), Some(shape)],
            outputs: vec![flat],
            attributes: Attributes::default(),
        };
        net.nodes.insert(at, renamed);
    }
    net.prune();
}

/// The tokens, each in an axis of one entry at the end, and the table.
fn find(view: &View, node: &Node) -> Option<(ValueId, ValueId)> {
    if node.op != "MatMul" {
        return None;
    }
    let (mut flags, table) = (node.input(0)?, node.input(1)?);
    if view.net.value(table)?.dims().len() != 2 {
        return None;
    }
    while let Some(cast) = view.by(flags, &["Cast"]) {
        flags = cast.input(0)?;
    }
    let equal = view.by(flags, &["Equal"])?;
    let (a, b) = (equal.input(0)?, equal.input(1)?);
    let (tokens, list) = if view.net.value(b).is_some() { (a, b) } else { (b, a) };
    let list = view.net.value(list)?;
    let n = *list.dims().last()?;
    let counts = list.len() == n && list.int_values().into_iter().eq(0..n as i64);
    let rows: usize = view.net.dims(flags).iter().product::<usize>() / n;
    let apart =
        view.net.dims(tokens).iter().product::<usize>() == rows && view.net.dims(tokens).last() == Some(&1);
    (counts && apart && view.net.values[tokens].constant.is_none()).then_some((tokens, table))
}
