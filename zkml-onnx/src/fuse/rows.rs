//! A product with a weight reads rows, however many axes they are laid out in: exporters flatten them before it and undo that behind.

use super::View;
use crate::net::{Net, Node, Value, ValueId};
use crate::tensor::Tensor;

pub fn run(net: &mut Net) {
    let mut at = 0;
    while at < net.nodes.len() {
        if let Some(x) = flattened(net, at) {
            lift_rows(net, at, x);
            at += 1;
        }
        at += 1;
    }
    join(net);
    net.prune();
}

/// What was flattened to rows for the product at `at`.
fn flattened(net: &Net, at: usize) -> Option<ValueId> {
    let (view, node) = (View::new(net), &net.nodes[at]);
    let plain = match node.op.as_str() {
        "MatMul" => true,
        "Gemm" => {
            !node.attributes.flag("transA", false) && node.input(2).is_none_or(|c| net.value(c).is_some())
        }
        _ => false,
    };
    if !plain || net.value(node.input(1)?)?.dims().len() != 2 {
        return None;
    }
    let rows = node.input(0)?;
    let x = view.by(rows, &["Reshape"])?.input(0)?;
    let fits =
        net.dims(x).last() == net.dims(rows).last() && net.dims(rows).len() == 2 && net.dims(x).len() > 2;
    fits.then_some(x)
}

/// The product of all rows, and then its shape.
fn lift_rows(net: &mut Net, at: usize, x: ValueId) {
    let node = net.nodes[at].clone();
    let out = node.output();
    let (lead, n) = (net.dims(x).to_vec(), *net.dims(out).last().expect("a matrix"));
    let dims = [&lead[..lead.len() - 1], &[n]].concat();
    let Value { kind, name, .. } = net.values[out].clone();
    let wide = net.add(Value { name, kind, dims, constant: None });
    let shape = Tensor::ints(net.dims(out).iter().map(|&d| d as i64).collect::<Vec<_>>());
    let shape = net.constant("", shape);
    let mut inputs = node.inputs.clone();
    inputs[0] = Some(x);
    let back = Node {
        op: "Reshape".into(),
        inputs: vec![Some(wide), Some(shape)],
        outputs: vec![out],
        attributes: Default::default(),
        ..node.clone()
    };
    net.nodes[at] = Node { inputs, outputs: vec![wide], ..node };
    net.nodes.insert(at + 1, back);
}

/// A reshape of a reshape is one, and one to the same shape none.
fn join(net: &mut Net) {
    const NAMES: [&str; 4] = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"];
    for at in 0..net.nodes.len() {
        if !NAMES.contains(&net.nodes[at].op.as_str()) {
            continue;
        }
        let view = View::new(net);
        let Some(mut x) = net.nodes[at].input(0) else { continue };
        while let Some(inner) = view.by(x, &NAMES).and_then(|n| n.input(0)) {
            x = inner;
        }
        let out = net.nodes[at].output();
        let same = net.dims(x) == net.dims(out) && !net.outputs.contains(&out);
        net.nodes[at].inputs[0] = Some(x);
        if NAMES[1..].contains(&net.nodes[at].op.as_str()) {
            // Their own arguments were about another shape.
            let shape = Tensor::ints(net.dims(out).iter().map(|&d| d as i64).collect::<Vec<_>>());
            let shape = net.constant("", shape);
            net.nodes[at].op = "Reshape".into();
            net.nodes[at].inputs = vec![Some(x), Some(shape)];
            net.nodes[at].attributes = Default::default();
        }
        if same {
            let readers = net.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut().flatten());
            readers.filter(|v| **v == out).for_each(|v| *v = x);
        }
    }
}
