//! Normalisations over the last axis, which exporters before opset 17 and 23 write in parts.

use super::{replace, View};
use crate::net::{Attribute, Attributes, Net, Node, ValueId};

pub fn run(net: &mut Net) {
    for at in 0..net.nodes.len() {
        let found = find(&View::new(net), &net.nodes[at]);
        if let Some((op, x, epsilon)) = found {
            let attributes = Attributes::default()
                .with("axis", Attribute::Int(-1))
                .with("epsilon", Attribute::Float(epsilon));
            replace(net, at, op, vec![Some(x)], attributes);
        }
    }
}

/// `(x - mean) / sqrt(mean((x - mean)^2) + epsilon)`, or the same of x itself.
fn find(view: &View, node: &Node) -> Option<(&'static str, ValueId, f32)> {
    let (numerator, deviation) = quotient(view, node)?;
    let (squared, epsilon) = mean_square(view, deviation)?;
    let centred = |v: ValueId| -> Option<ValueId> {
        let sub = view.by(v, &["Sub"])?;
        let (x, mean) = (sub.input(0)?, sub.input(1)?);
        let mean = view.by(mean, &["ReduceMean"])?;
        (mean.input(0) == Some(x) && view.is_last_axis(mean)).then_some(x)
    };
    match (centred(numerator), centred(squared)) {
        (Some(x), Some(y)) if x == y => Some(("LayerNormalization", x, epsilon)),
        _ if numerator == squared => Some(("RMSNormalization", numerator, epsilon)),
        _ => None,
    }
}

/// Numerator and the square of the denominator.
fn quotient(view: &View, node: &Node) -> Option<(ValueId, ValueId)> {
    let root = |v: ValueId| match view.by(v, &["Sqrt"]) {
        Some(sqrt) => sqrt.input(0),
        None => {
            let pow = view.by(v, &["Pow"])?;
            (view.uniform(pow.input(1)?)? == 0.5).then(|| pow.input(0))?
        }
    };
    let inverse = |v: ValueId| -> Option<ValueId> {
        if let Some(r) = view.by(v, &["Reciprocal"]) {
            return root(r.input(0)?);
        }
        if let Some(d) = view.by(v, &["Div"]) {
            return (view.uniform(d.input(0)?) == Some(1.0)).then(|| root(d.input(1)?))?;
        }
        let pow = view.by(v, &["Pow"])?;
        (view.uniform(pow.input(1)?)? == -0.5).then(|| pow.input(0))?
    };
    let (a, b) = (node.input(0)?, node.input(1)?);
    match node.op.as_str() {
        "Div" => Some((a, root(b)?)),
        "Mul" => inverse(b).map(|d| (a, d)).or_else(|| inverse(a).map(|d| (b, d))),
        _ => None,
    }
}

/// Of `mean(x^2) + epsilon`: x and epsilon.
fn mean_square(view: &View, v: ValueId) -> Option<(ValueId, f32)> {
    let (mean, epsilon) = view.with_number(view.by(v, &["Add"])?)?;
    let mean = view.by(mean, &["ReduceMean"]).filter(|m| view.is_last_axis(m))?;
    let square = view.by(mean.input(0)?, &["Pow", "Mul"])?;
    let x = square.input(0)?;
    let is_square = match square.op.as_str() {
        "Pow" => view.uniform(square.input(1)?) == Some(2.0),
        _ => square.input(1) == Some(x),
    };
    is_square.then_some((x, epsilon))
}
