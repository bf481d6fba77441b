//! Layer norms however they are written: with the mean of squares, through reshapes, with the gain multiplied into the root.
//!
//! A part of the graph around a square root is evaluated on random rows. If what it gives is the layer norm of what it takes, times a
//! gain and plus a bias for each column, it is one.

use super::View;
use crate::net::{Attribute, Attributes, Net, Node, ValueId};
use crate::tensor::Tensor;
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
        let Some(found) = found else { continue };
        let at = net.nodes.iter().position(|n| n.output() == found.y).expect("it was found");
        let name = net.nodes[at].name.clone();
        let vector =
            |v: Vec<f32>| Tensor::Float(ArrayD::from_shape_vec(IxDyn(&[v.len()]), v).expect("a vector"));
        let gain = net.constant("", vector(found.gain));
        let bias = net.constant("", vector(found.bias));
        let attributes = Attributes::default()
            .with("axis", Attribute::Int(-1))
            .with("epsilon", Attribute::Float(found.epsilon));
        let inputs = vec![Some(found.x), Some(gain), Some(bias)];
        net.nodes[at] =
            Node { name, op: "LayerNormalization".into(), inputs, outputs: vec![found.y], attributes };
    }
    net.prune();
}

struct Found {
    x: ValueId,
    y: ValueId,
    epsilon: f32,
    gain: Vec<f32>,
    bias: Vec<f32>,
}

fn find(view: &View, root: ValueId) -> Option<Found> {
    let sum = view.by(view.by(root, &["Sqrt"])?.input(0)?, &["Add"])?;
    let (_, epsilon) = view.with_number(sum)?;
    let above = before(view, root);
    let below = behind(view, root);
    // The nearest tensor that it can be of, the furthest result.
    for &y in below.iter().rev() {
        for &x in &above {
            if view.net.dims(x) != view.net.dims(y) {
                continue;
            }
            if let Some([gain, bias]) = terms(view, x, y, epsilon) {
                return Some(Found { x, y, epsilon, gain, bias });
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

/// Gain and bias by column, if y is the layer norm of x with them.
fn terms(view: &View, x: ValueId, y: ValueId, epsilon: f32) -> Option<[Vec<f32>; 2]> {
    let dims = view.net.dims(x);
    let (d, n) = (*dims.last()?, dims.iter().product::<usize>());
    if d < 2 || n < 2 * d || n > CELLS {
        // One row has two unknowns for each column: a second one is needed.
        return None;
    }
    let values: Vec<f32> =
        (0..n).map(|i| ((i * 7919 + i / d * 104_729) % 2003) as f32 / 500.0 - 2.0).collect();
    let given = Tensor::Float(ArrayD::from_shape_vec(IxDyn(dims), values.clone()).ok()?);
    let mut known = HashMap::from([(x, given)]);
    let got = super::attention::evaluate(view, y, &mut known, &mut 0)?.float_values();
    let norm: Vec<f32> = values
        .chunks(d)
        .flat_map(|row| {
            let mean = row.iter().sum::<f32>() / d as f32;
            let var = row.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / d as f32;
            row.iter().map(move |v| (v - mean) / (var + epsilon).sqrt()).collect::<Vec<f32>>()
        })
        .collect();
    let column = |j: usize| {
        // The two rows that are furthest apart there.
        let rows = || (0..n / d).map(|r| (norm[r * d + j], got[r * d + j]));
        let low = rows().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let high = rows().max_by(|a, b| a.0.total_cmp(&b.0))?;
        let gain = (high.1 - low.1) / (high.0 - low.0);
        let bias = low.1 - gain * low.0;
        let close = rows().all(|(v, y)| (gain * v + bias - y).abs() <= 1e-3 * (1.0 + y.abs()));
        (close && gain.is_finite()).then_some((gain, bias))
    };
    let (gain, bias): (Vec<f32>, Vec<f32>) =
        (0..d).map(column).collect::<Option<Vec<_>>>()?.into_iter().unzip();
    Some([gain, bias])
}
