//! Layer norms however they are written: with the mean of squares, through reshapes, with the gain multiplied into the root.
//!
//! A part of the graph around a square root is evaluated on random rows. If what it gives is the layer norm of what it takes, times a
//! gain and plus a bias for each column, it is one.

use super::View;
use crate::net::{Attribute, Attributes, Net, Node, Value, ValueId};
use crate::tensor::{Kind, Tensor};
use ndarray::{ArrayD, IxDyn};
use std::collections::HashMap;

/// Nodes between the tensor and its norm, at most.
const SIZE: usize = 32;
/// Cells of a tensor that are evaluated at most.
const CELLS: usize = 1 << 20;

pub fn run(net: &mut Net) {
    let roots: Vec<ValueId> = net.nodes.iter().filter(|n| n.op == "Sqrt").map(Node::output).collect();
    for root in roots {
        let found = find(&View::new(net), root);
        if let Some(found) = found {
            apply(net, found);
        }
    }
    net.prune();
}

struct Found {
    x: ValueId,
    y: ValueId,
    /// Along which rows lie.
    axis: usize,
    epsilon: f32,
    gain: Vec<f32>,
    bias: Vec<f32>,
}

/// The norm in the place of what gave y; rows along another axis are turned to the last and back.
fn apply(net: &mut Net, found: Found) {
    let at = net.nodes.iter().position(|n| n.output() == found.y).expect("it was found");
    let name = net.nodes[at].name.clone();
    let vector = |v: Vec<f32>| Tensor::Float(ArrayD::from_shape_vec(IxDyn(&[v.len()]), v).expect("a vector"));
    let gain = net.constant("", vector(found.gain));
    let bias = net.constant("", vector(found.bias));
    let attributes = Attributes::default()
        .with("axis", Attribute::Int(-1))
        .with("epsilon", Attribute::Float(found.epsilon));
    let rank = net.dims(found.x).len();
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(found.axis, rank - 1);
    let norm = |x, y| Node {
        name: name.clone(),
        op: "LayerNormalization".into(),
        inputs: vec![Some(x), Some(gain), Some(bias)],
        outputs: vec![y],
        attributes: attributes.clone(),
    };
    if found.axis + 1 == rank {
        net.nodes[at] = norm(found.x, found.y);
        return;
    }
    let dims: Vec<usize> = perm.iter().map(|&p| net.dims(found.x)[p]).collect();
    let value = || Value { name: name.clone(), kind: Kind::Float, dims: dims.clone(), constant: None };
    let (turned, normed) = (net.add(value()), net.add(value()));
    let turn = |from, to| Node {
        name: name.clone(),
        op: "Transpose".into(),
        inputs: vec![Some(from)],
        outputs: vec![to],
        attributes: Attributes::default()
            .with("perm", Attribute::Ints(perm.iter().map(|&p| p as i64).collect())),
    };
    let new = [turn(found.x, turned), norm(turned, normed), turn(normed, found.y)];
    net.nodes.splice(at..at + 1, new);
}

fn find(view: &View, root: ValueId) -> Option<Found> {
    let sum = view.by(view.by(root, &["Sqrt"])?.input(0)?, &["Add"])?;
    let (_, epsilon) = view.with_number(sum)?;
    let (above, below) = (before(view, root), behind(view, root));
    // The nearest tensor that it can be of, the furthest result.
    for &y in below.iter().rev() {
        for &x in above.iter().filter(|&&x| view.net.dims(x) == view.net.dims(y)) {
            let Some(given) = Given::new(view, x, y) else { continue };
            for axis in (0..view.net.dims(x).len()).rev() {
                if let Some([gain, bias]) = given.terms(axis, epsilon) {
                    return Some(Found { x, y, axis, epsilon, gain, bias });
                }
            }
        }
    }
    None
}

/// Computed values that this one depends on, the nearest first.
fn before(view: &View, v: ValueId) -> Vec<ValueId> {
    let (mut all, mut next) = (vec![v], 0);
    while next < all.len() && all.len() < SIZE {
        if let Some(p) = view.producers[all[next]] {
            for &i in view.net.nodes[p].inputs.iter().flatten() {
                if view.net.values[i].constant.is_none() && !all.contains(&i) {
                    all.push(i);
                }
            }
        }
        next += 1;
    }
    all
}

/// Values that depend on this one, in order.
fn behind(view: &View, v: ValueId) -> Vec<ValueId> {
    let mut all = vec![v];
    for node in &view.net.nodes {
        let reads = node.inputs.iter().flatten().any(|i| all.contains(i));
        let elementwise =
            ["Mul", "Div", "Add", "Sub", "Reciprocal", "Reshape", "Expand"].contains(&node.op.as_str());
        if reads && elementwise && all.len() < SIZE {
            all.push(node.output());
        }
    }
    all
}

/// Values of x and what y is for them, more than once: one row has two unknowns for each of its entries.
struct Given {
    dims: Vec<usize>,
    pairs: Vec<[Vec<f32>; 2]>,
}

const TIMES: usize = 3;

impl Given {
    fn new(view: &View, x: ValueId, y: ValueId) -> Option<Self> {
        let dims = view.net.dims(x).to_vec();
        let n: usize = dims.iter().product();
        if n > CELLS {
            return None;
        }
        let pair = |time: usize| {
            let value =
                |i: usize| ((i * 7919 + time * 5_003 + (i >> 5) * 104_729) % 2003) as f32 / 500.0 - 2.0;
            let values: Vec<f32> = (0..n).map(value).collect();
            let given = Tensor::Float(ArrayD::from_shape_vec(IxDyn(&dims), values.clone()).ok()?);
            let mut known = HashMap::from([(x, given)]);
            let got = super::attention::evaluate(view, y, &mut known, &mut 0)?.float_values();
            Some([values, got])
        };
        let pairs = (0..TIMES).map(pair).collect::<Option<Vec<_>>>()?;
        Some(Self { dims, pairs })
    }

    /// Gain and bias by entry of a row along this axis, if y is the layer norm of x with them.
    fn terms(&self, axis: usize, epsilon: f32) -> Option<[Vec<f32>; 2]> {
        let d = self.dims[axis];
        let step: usize = self.dims[axis + 1..].iter().product();
        if d < 2 {
            return None;
        }
        // By entry: the norm and what there is.
        let mut entries: Vec<Vec<(f32, f32)>> = vec![vec![]; d];
        for [x, y] in &self.pairs {
            for row in 0..x.len() / d {
                let first = row / step * step * d + row % step;
                let at = |j: usize| first + j * step;
                let mean = (0..d).map(|j| x[at(j)]).sum::<f32>() / d as f32;
                let var = (0..d).map(|j| (x[at(j)] - mean).powi(2)).sum::<f32>() / d as f32;
                for (j, entry) in entries.iter_mut().enumerate() {
                    entry.push(((x[at(j)] - mean) / (var + epsilon).sqrt(), y[at(j)]));
                }
            }
        }
        let line = |of: &Vec<(f32, f32)>| {
            let low = of.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
            let high = of.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
            let gain = (high.1 - low.1) / (high.0 - low.0);
            let bias = low.1 - gain * low.0;
            let close = of.iter().all(|(v, y)| (gain * v + bias - y).abs() <= 2e-3 * (1.0 + y.abs()));
            (close && gain.is_finite()).then_some((gain, bias))
        };
        let lines = entries.iter().map(line).collect::<Option<Vec<_>>>()?;
        let (gain, bias) = lines.into_iter().unzip();
        Some([gain, bias])
    }
}
