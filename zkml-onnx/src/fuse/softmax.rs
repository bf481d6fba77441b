//! `exp(x - max(x)) / sum(exp(x - max(x)))`, as JAX and TensorFlow write a softmax.

use super::{replace, View};
use crate::net::{Attribute, Attributes, Net, Node, ValueId};

pub fn run(net: &mut Net) {
    for at in 0..net.nodes.len() {
        if let Some(x) = find(&View::new(net), &net.nodes[at]) {
            replace(
                net,
                at,
                "Softmax",
                vec![Some(x)],
                Attributes::default().with("axis", Attribute::Int(-1)),
            );
        }
    }
    net.prune();
}

const RENAMED: [&str; 7] = ["Reshape", "Expand", "Squeeze", "Unsqueeze", "Identity", "Clip", "Max"];

/// Back through changes of shape, and clamps that only infinities would meet.
fn through(view: &View, mut v: ValueId) -> Option<ValueId> {
    while let Some(node) = view.by(v, &RENAMED) {
        v = node.inputs.iter().flatten().copied().find(|&i| view.net.values[i].constant.is_none())?;
    }
    Some(v)
}

fn find(view: &View, node: &Node) -> Option<ValueId> {
    let (numerator, denominator) = match node.op.as_str() {
        "Div" => (node.input(0)?, node.input(1)?),
        "Mul" => {
            let (a, b) = (node.input(0)?, node.input(1)?);
            let inverse = |v: ValueId| {
                through(view, v).and_then(|v| view.by(v, &["Reciprocal"])).and_then(|r| r.input(0))
            };
            match (inverse(a), inverse(b)) {
                (None, Some(d)) => (a, d),
                (Some(d), None) => (b, d),
                _ => return None,
            }
        }
        _ => return None,
    };
    let exp = view.by(numerator, &["Exp"])?;
    let sum = view.by(through(view, denominator)?, &["ReduceSum"]).filter(|n| view.is_last_axis(n))?;
    let difference = view.by(exp.input(0)?, &["Sub"])?;
    let x = difference.input(0)?;
    let max =
        view.by(through(view, difference.input(1)?)?, &["ReduceMax"]).filter(|n| view.is_last_axis(n))?;
    (sum.input(0) == Some(numerator) && max.input(0) == Some(x)).then_some(x)
}
