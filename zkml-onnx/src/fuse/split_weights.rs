//! One product whose columns are taken apart afterwards (q, k and v of GPT-2) is several products.
//!
//! Each part then has a step of its own; v is often several times smaller than q and k.

use super::View;
use crate::net::{Attributes, Net, Node, Value, ValueId};
use crate::ops::{selected, sizes};
use crate::tensor::Tensor;

pub fn run(net: &mut Net) {
    for at in (0..net.nodes.len()).rev() {
        if let Some(found) = find(net, at) {
            apply(net, at, found);
        }
    }
    net.prune();
}

struct Found {
    x: ValueId,
    /// `[in, out]`, or `[out, in]` where the product is a `Gemm` that says so.
    w: ValueId,
    axis: usize,
    bias: Option<ValueId>,
    product: Node,
    sizes: Vec<usize>,
    /// Extents before the last axis of what is split.
    lead: Vec<usize>,
}

fn find(net: &Net, at: usize) -> Option<Found> {
    let view = View::new(net);
    let split = &net.nodes[at];
    if split.op != "Split" {
        return None;
    }
    let whole = split.input(0)?;
    let rank = net.dims(whole).len();
    let (axis, sizes) = sizes(net, split, split.outputs.len()).ok()?;
    if axis + 1 != rank || view.uses[whole] != 1 {
        return None;
    }
    let mut v = whole;
    let width = *net.dims(v).last()?;
    while let Some(node) = view.by(v, &["Reshape"]).filter(|_| view.uses[v] == 1) {
        let from = node.input(0)?;
        if net.dims(from).last() != Some(&width) {
            return None;
        }
        v = from;
    }
    let node = view.by(v, &["Gemm", "MatMul", "Add"]).filter(|_| view.uses[v] == 1)?;
    let lead = net.dims(whole)[..rank - 1].to_vec();
    let (product, bias) = match node.op.as_str() {
        "Add" => {
            let (a, b) = (node.input(0)?, node.input(1)?);
            let (x, bias) = if net.value(b).is_some() { (a, b) } else { (b, a) };
            (view.by(x, &["MatMul"]).filter(|_| view.uses[x] == 1)?, Some(bias))
        }
        "Gemm" => (node, node.input(2)),
        _ => (node, None),
    };
    let (x, w) = (product.input(0)?, product.input(1)?);
    let flat = |b: ValueId| net.value(b).is_some_and(|t| t.len() == width);
    if net.value(w)?.dims().len() != 2 || bias.is_some_and(|b| !flat(b)) {
        return None;
    }
    let axis = usize::from(!product.attributes.flag("transB", false));
    Some(Found { x, w, axis, bias, product: product.clone(), sizes, lead })
}

fn apply(net: &mut Net, at: usize, found: Found) {
    let split = net.nodes[at].clone();
    let (w, wname) = (net.value(found.w).expect("found").clone(), net.values[found.w].name.clone());
    let bias = found.bias.map(|b| (net.value(b).expect("found").clone(), net.values[b].name.clone()));
    let mut new = vec![];
    let mut first = 0;
    for (k, (&size, &out)) in found.sizes.iter().zip(&split.outputs).enumerate() {
        let range: Vec<usize> = (first..first + size).collect();
        first += size;
        let named =
            |name: &str| if crate::names::is_given(name) { format!("{name}.{k}") } else { String::new() };
        let part = net.constant(named(&wname), selected(&w, found.axis, &range));
        let bias = bias.as_ref().map(|(b, name)| {
            let flat = crate::ops::reshaped(b, &[b.len()]).expect("the same elements");
            net.constant(named(name), selected(&flat, 0, &range))
        });
        let x_dims = net.dims(found.x);
        let dims = [&x_dims[..x_dims.len() - 1], &[size]].concat();
        let value = |net: &mut Net, dims: Vec<usize>| {
            let Value { kind, .. } = net.values[out].clone();
            net.add(Value { name: format!("{}.{k}", found.product.name), kind, dims, constant: None })
        };
        let target = [&found.lead[..], &[size]].concat();
        let needs_shape = dims != target;
        let gemm = found.product.op == "Gemm";
        let product = if needs_shape || (!gemm && bias.is_some()) { value(net, dims.clone()) } else { out };
        let mut inputs = vec![Some(found.x), Some(part)];
        if gemm {
            inputs.extend(bias.map(Some));
        }
        new.push(Node { inputs, outputs: vec![product], ..found.product.clone() });
        let mut v = product;
        if let (false, Some(bias)) = (gemm, bias) {
            let sum = if needs_shape { value(net, dims) } else { out };
            new.push(Node {
                name: found.product.name.clone(),
                op: "Add".into(),
                inputs: vec![Some(v), Some(bias)],
                outputs: vec![sum],
                attributes: Attributes::default(),
            });
            v = sum;
        }
        if needs_shape {
            let shape = net.constant("", Tensor::ints(target.iter().map(|&d| d as i64)));
            new.push(Node {
                name: split.name.clone(),
                op: "Reshape".into(),
                inputs: vec![Some(v), Some(shape)],
                outputs: vec![out],
                attributes: Attributes::default(),
            });
        }
    }
    net.nodes.splice(at..at + 1, new);
}
