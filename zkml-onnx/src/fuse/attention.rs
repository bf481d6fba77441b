//! `softmax(scale q k^T + mask) v`, however scale and mask are written.

use super::{replace, View};
use crate::net::{Attribute, Attributes, Net, Node, Value, ValueId};
use crate::ops::{broadcast, ATTENTION};
use crate::tensor::{Kind, Tensor};
use ndarray::{ArrayD, IxDyn};
use std::collections::HashMap;

/// A score below this is forbidden.
const FORBIDDEN: f32 = -1e4;

pub fn run(net: &mut Net) {
    for at in (0..net.nodes.len()).rev() {
        let found = find(&View::new(net), &net.nodes[at]);
        if let Some(found) = found {
            apply(net, at, found);
        }
    }
    net.prune();
    for at in (0..net.nodes.len()).rev() {
        let merged = merged(&View::new(net), at);
        if let Some(m) = merged {
            let old = &net.nodes[at];
            let inputs = [m.q, m.k, m.v].map(Some).into_iter().chain(old.inputs.get(3).copied()).collect();
            let attributes = old.attributes.clone().with("heads", Attribute::Int(m.heads));
            let name = old.name.clone();
            let dims = net.dims(m.q).to_vec();
            let whole = net.add(Value { name: name.clone(), kind: Kind::Float, dims, constant: None });
            net.nodes[at] = Node { name, op: ATTENTION.into(), inputs, outputs: vec![whole], attributes };
            net.nodes[m.last].inputs[0] = Some(whole);
        }
    }
    net.prune();
}

struct Found {
    q: ValueId,
    /// As it enters the product: transposed.
    keys: ValueId,
    v: ValueId,
    scale: f32,
    causal: bool,
    mask: Option<ValueId>,
}

fn find(view: &View, node: &Node) -> Option<Found> {
    if node.op != "MatMul" {
        return None;
    }
    let (weights, v) = (node.input(0)?, node.input(1)?);
    let net = view.net;
    if net.value(v).is_some() {
        return None;
    }
    let weights = through(view, weights);
    let softmax = view.by(weights, &["Softmax"])?;
    let rank = net.dims(weights).len();
    let axis = softmax.attributes.int("axis").unwrap_or(-1);
    if axis != -1 && axis != rank as i64 - 1 {
        return None;
    }
    let mut terms = vec![];
    let (product, mut scale) = scores(view, softmax.input(0)?, &mut terms)?;
    let product = view.by(product, &["MatMul"])?;
    let (mut q, mut keys) = (product.input(0)?, product.input(1)?);
    for side in [&mut q, &mut keys] {
        while let Some((inner, by)) = scaled(view, *side) {
            (*side, scale) = (inner, scale * by);
        }
    }
    if net.value(q).is_some() || net.value(keys).is_some() || scale <= 0.0 {
        return None;
    }
    let (rows, columns) = (net.dims(weights)[rank - 2], net.dims(weights)[rank - 1]);
    let (causal, mask) = masks(view, &terms, rows, columns)?;
    Some(Found { q, keys, v, scale, causal, mask })
}

/// What a softmax's rows go through before they are used: casts, dropouts, and a choice of zeros where a row is no number.
fn through(view: &View, mut v: ValueId) -> ValueId {
    loop {
        if let Some(node) = view.by(v, &["Cast", "Identity", "Dropout"]) {
            match node.input(0) {
                Some(x) => v = x,
                None => return v,
            }
        } else if let Some(node) = view.by(v, &["Where"]) {
            let never = node.input(0).is_some_and(|c| view.uniform(c) == Some(0.0));
            match (never, node.input(2)) {
                (true, Some(x)) => v = x,
                _ => return v,
            }
        } else {
            return v;
        }
    }
}

/// The scaled value and its positive factor.
fn scaled(view: &View, v: ValueId) -> Option<(ValueId, f32)> {
    let node = view.by(v, &["Mul", "Div"])?;
    let (x, by) = view.with_number(node)?;
    match node.op.as_str() {
        "Mul" => Some((x, by)),
        _ => (node.input(0) == Some(x)).then_some((x, 1.0 / by)),
    }
}

/// What is added to scores: a tensor, or a number where a flag says so.
enum Mask {
    Added(ValueId, f32),
    /// Where the flag is this, the score is that number.
    Chosen {
        flag: ValueId,
        when: bool,
        number: f32,
    },
}

/// From the softmax's argument back to the product: its factor, and the masks on the way.
fn scores(view: &View, mut v: ValueId, terms: &mut Vec<Mask>) -> Option<(ValueId, f32)> {
    let mut scale = 1.0;
    loop {
        if view.by(v, &["MatMul"]).is_some() {
            return Some((v, scale));
        }
        if let Some((x, by)) = scaled(view, v) {
            (v, scale) = (x, scale * by);
            continue;
        }
        let node = view.by(v, &["Add", "Sub", "Where", "Cast", "Identity"])?;
        match node.op.as_str() {
            "Cast" | "Identity" => v = node.input(0)?,
            "Where" => {
                let [flag, a, b] = [node.input(0)?, node.input(1)?, node.input(2)?];
                match (view.uniform(a), view.uniform(b)) {
                    (None, Some(number)) => {
                        terms.push(Mask::Chosen { flag, when: false, number });
                        v = a;
                    }
                    (Some(number), None) => {
                        terms.push(Mask::Chosen { flag, when: true, number });
                        v = b;
                    }
                    _ => return None,
                }
            }
            op => {
                let (a, b) = (node.input(0)?, node.input(1)?);
                let sign = if op == "Sub" { -1.0 } else { 1.0 };
                // The side that leads to the product.
                let leads = |v: ValueId| scores(view, v, &mut vec![]).is_some();
                match () {
                    () if view.net.value(b).is_some() || leads(a) => {
                        terms.push(Mask::Added(b, sign));
                        v = a;
                    }
                    () if op == "Add" => {
                        terms.push(Mask::Added(a, 1.0));
                        v = b;
                    }
                    () => return None,
                }
            }
        }
    }
}

/// Whether the masks together forbid what comes later, and the flags of an input that say which keys there are.
fn masks(view: &View, terms: &[Mask], rows: usize, columns: usize) -> Option<(bool, Option<ValueId>)> {
    let mut source = None;
    for term in terms {
        let v = match term {
            Mask::Added(v, _) => *v,
            Mask::Chosen { flag, .. } => *flag,
        };
        match (sources(view, v)?.as_slice(), source) {
            ([], _) => {}
            (&[one], None) => source = Some(one),
            (&[one], Some(other)) if one == other => {}
            _ => return None,
        }
    }
    // All keys there.
    let open = forbidden(view, terms, source.map(|s| (s, Keys::All)), rows, columns)?;
    let later = |p: usize| p % columns > p / columns;
    let causal = if open.iter().all(|&f| !f) {
        false
    } else if rows == columns && (0..open.len()).all(|p| open[p] == later(p)) {
        true
    } else {
        return None;
    };
    let Some(source) = source else { return Some((causal, None)) };
    // It is a flag for each key: without the first key, only its column goes.
    if view.net.values[source].dims.iter().product::<usize>() != columns {
        return None;
    }
    for key in [0, columns / 2, columns - 1] {
        let without = forbidden(view, terms, Some((source, Keys::But(key))), rows, columns)?;
        if (0..without.len()).any(|p| without[p] != (open[p] || p % columns == key)) {
            return None;
        }
    }
    Some((causal, Some(source)))
}

#[derive(Clone, Copy)]
enum Keys {
    All,
    But(usize),
}

/// Which scores the masks forbid, if they only forbid or change nothing.
fn forbidden(
    view: &View,
    terms: &[Mask],
    source: Option<(ValueId, Keys)>,
    rows: usize,
    columns: usize,
) -> Option<Vec<bool>> {
    let mut known = HashMap::new();
    if let Some((v, keys)) = source {
        let dims = &view.net.values[v].dims;
        let mut flags = vec![1i64; dims.iter().product()];
        if let Keys::But(key) = keys {
            flags[key] = 0;
        }
        let flags = Tensor::Int(ArrayD::from_shape_vec(IxDyn(dims), flags).ok()?);
        known.insert(v, flags.cast(view.net.values[v].kind));
    }
    let mut sum = vec![0f32; rows * columns];
    for term in terms {
        let (tensor, add): (Tensor, &dyn Fn(f32) -> f32) = match term {
            Mask::Added(v, sign) => (evaluate(view, *v, &mut known, &mut 0)?, &move |x| sign * x),
            Mask::Chosen { flag, when, number } => (evaluate(view, *flag, &mut known, &mut 0)?, &move |x| {
                if (x != 0.0) == *when {
                    *number
                } else {
                    0.0
                }
            }),
        };
        let all = tensor.to_float();
        // The same for every batch and head.
        let dims = broadcast(tensor.dims(), &[rows, columns]).ok()?;
        let wide = all.broadcast(IxDyn(&dims))?;
        for (p, &x) in wide.iter().enumerate() {
            let at = p % (rows * columns);
            match p < rows * columns {
                true => sum[at] += add(x),
                false => {
                    let first = wide.iter().nth(at).copied()?;
                    if first != x {
                        return None;
                    }
                }
            }
        }
    }
    let flag = |&s: &f32| match s {
        0.0 => Some(false),
        s if s <= FORBIDDEN => Some(true),
        _ => None,
    };
    sum.iter().map(flag).collect()
}

/// The computed values that a mask is made of.
fn sources(view: &View, v: ValueId) -> Option<Vec<ValueId>> {
    if view.net.values[v].constant.is_some() {
        return Some(vec![]);
    }
    let Some(node) = view.producers[v].map(|p| &view.net.nodes[p]) else { return Some(vec![v]) };
    crate::ops::find(&node.op)?;
    let mut all = vec![];
    for &input in node.inputs.iter().flatten() {
        all.extend(sources(view, input)?);
        all.sort_unstable();
        all.dedup();
        if all.len() > 1 {
            return Some(all);
        }
    }
    Some(all)
}

/// A value whose sources are known, by so many nodes at most.
pub(super) fn evaluate(
    view: &View,
    v: ValueId,
    known: &mut HashMap<ValueId, Tensor>,
    nodes: &mut usize,
) -> Option<Tensor> {
    if let Some(t) = view.net.value(v) {
        return Some(t.clone());
    }
    if let Some(t) = known.get(&v) {
        return Some(t.clone());
    }
    let node = &view.net.nodes[view.producers[v]?];
    *nodes += 1;
    if *nodes > 64 {
        return None;
    }
    let mut net = Net { opset: view.net.opset, ..Net::default() };
    let mut inputs = vec![];
    for input in &node.inputs {
        inputs.push(match input {
            None => None,
            Some(i) => Some(net.constant("", evaluate(view, *i, known, nodes)?)),
        });
    }
    let alone = Node { inputs, ..node.clone() };
    let given = crate::ops::evaluate(&net, &alone)?;
    let place = node.outputs.iter().position(|&o| o == v)?;
    let t = given.into_iter().nth(place)?;
    known.insert(v, t.clone());
    Some(t)
}

fn apply(net: &mut Net, at: usize, found: Found) {
    // The keys as they were before they were turned.
    let rank = net.dims(found.keys).len();
    let view = View::new(net);
    let (from, mut perm): (ValueId, Vec<usize>) = match view.by(found.keys, &["Transpose"]) {
        Some(t) => {
            let perm = t.attributes.ints("perm").map_or_else(
                || (0..rank).rev().collect(),
                |p| p.iter().map(|&p| if p < 0 { p + rank as i64 } else { p } as usize).collect(),
            );
            (t.input(0).expect("a transpose has an input"), perm)
        }
        None => (found.keys, (0..rank).collect()),
    };
    perm.swap(rank - 2, rank - 1);
    let k = match perm.iter().copied().eq(0..rank) {
        true => from,
        false => {
            let dims = perm.iter().map(|&p| net.dims(from)[p]).collect();
            let name = net.nodes[at].name.clone();
            let out = net.add(Value { name: name.clone(), kind: Kind::Float, dims, constant: None });
            let perm = perm.iter().map(|&p| p as i64).collect();
            let attributes = Attributes::default().with("perm", Attribute::Ints(perm));
            let turn = Node {
                name,
                op: "Transpose".into(),
                inputs: vec![Some(from)],
                outputs: vec![out],
                attributes,
            };
            net.nodes.insert(at, turn);
            out
        }
    };
    // A node was put before it.
    let at = at + usize::from(k != from);
    let attributes = Attributes::default()
        .with("heads", Attribute::Int(1))
        .with("causal", Attribute::Int(found.causal.into()))
        .with("scale", Attribute::Float(found.scale));
    let inputs = [Some(found.q), Some(k), Some(found.v)].into_iter().chain(found.mask.map(Some)).collect();
    replace(net, at, ATTENTION, inputs, attributes);
}

struct Merged {
    q: ValueId,
    k: ValueId,
    v: ValueId,
    heads: i64,
    /// The node that merged the heads.
    last: usize,
}

/// Heads that are split before and merged behind: zkml's op does both.
fn merged(view: &View, at: usize) -> Option<Merged> {
    let (net, node) = (view.net, &view.net.nodes[at]);
    if node.op != ATTENTION || node.attributes.int("heads") != Some(1) {
        return None;
    }
    let perm = |n: &Node| n.attributes.ints("perm") == Some(&[0, 2, 1, 3]);
    let split = |v: ValueId| -> Option<(ValueId, usize)> {
        let turn = view.by(v, &["Transpose"]).filter(|n| perm(n))?;
        let apart = view.by(turn.input(0)?, &["Reshape"])?;
        let x = apart.input(0)?;
        match (net.dims(x), net.dims(apart.output())) {
            (&[b, t, d], &[b2, t2, h, w]) if b == b2 && t == t2 && d == h * w => Some((x, h)),
            _ => None,
        }
    };
    let ((q, h), (k, hk), (v, hv)) = (split(node.input(0)?)?, split(node.input(1)?)?, split(node.input(2)?)?);
    if h != hk || h != hv {
        return None;
    }
    let out = node.output();
    let reader = |v: ValueId| -> Option<usize> {
        let mut all = net.nodes.iter().enumerate().filter(|(_, n)| n.inputs.contains(&Some(v)));
        let (i, _) = all.next()?;
        (all.next().is_none() && view.uses[v] == 1).then_some(i)
    };
    let turn = reader(out).filter(|&i| net.nodes[i].op == "Transpose" && perm(&net.nodes[i]))?;
    let last = reader(net.nodes[turn].output()).filter(|&i| net.nodes[i].op == "Reshape")?;
    let result = net.dims(net.nodes[last].output());
    let same = result.last() == net.dims(q).last()
        && result.iter().product::<usize>() == net.dims(q).iter().product::<usize>();
    same.then_some(Merged { q, k, v, heads: h as i64, last })
}
