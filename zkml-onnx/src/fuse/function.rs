//! Functions of one value that exporters write as arithmetic: GELU in both forms, SiLU, hard sigmoid and swish.
//!
//! They are recognised by what they compute: a part of the graph that takes one value by elements and uses numbers beside it is
//! evaluated at points and compared with each function. So no form of writing it down is missed.

use super::{replace, View};
use crate::net::{Attribute, Attributes, Net, Node, ValueId};
use std::collections::HashMap;

/// Points at which functions are told apart.
const POINTS: usize = 41;
/// Nodes of a part, at most.
const SIZE: usize = 16;

pub fn run(net: &mut Net) {
    for at in (0..net.nodes.len()).rev() {
        let found = {
            let view = View::new(net);
            match net.nodes[at].op.as_str() {
                "Mul" | "Div" => find(&view, &net.nodes[at]),
                _ => None,
            }
        };
        if let Some((op, tanh, x)) = found {
            let attributes = match tanh {
                true => Attributes::default().with("approximate", Attribute::Text("tanh".into())),
                false => Attributes::default(),
            };
            replace(net, at, op, vec![Some(x)], attributes);
            net.prune();
            return run(net);
        }
    }
}

fn points() -> Vec<f64> {
    (0..POINTS).map(|i| (i as f64 - 20.0) * 0.37 + 0.013).collect()
}

/// The function and its argument.
fn find(view: &View, root: &Node) -> Option<(&'static str, bool, ValueId)> {
    let at = points();
    for x in candidates(view, root) {
        if view.net.dims(x) != view.net.dims(root.output()) {
            continue;
        }
        let mut known = HashMap::from([(x, at.clone())]);
        let Some(values) = evaluate(view, root.output(), &mut known, &mut 0) else { continue };
        type Function = (&'static str, bool, fn(f64) -> f64);
        let functions: [Function; 5] = [
            ("Gelu", false, |v| 0.5 * v * (1.0 + erf(v * std::f64::consts::FRAC_1_SQRT_2))),
            ("Gelu", true, |v| {
                0.5 * v * (1.0 + (0.797_884_560_802_865_4 * (v + 0.044_715 * v * v * v)).tanh())
            }),
            ("Silu", false, |v| v / (1.0 + (-v).exp())),
            ("HardSwish", false, |v| v * (v / 6.0 + 0.5).clamp(0.0, 1.0)),
            ("HardSigmoid6", false, |v| (v / 6.0 + 0.5).clamp(0.0, 1.0)),
        ];
        for (op, tanh, f) in functions {
            if at.iter().zip(&values).all(|(&v, &y)| (f(v) - y).abs() <= 2e-5 * (1.0 + v.abs())) {
                // ONNX's own has other numbers.
                return (op != "HardSigmoid6").then_some((op, tanh, x));
            }
        }
    }
    None
}

/// Values that the root may be a function of, the nearest last: deeper ones explain more.
fn candidates(view: &View, root: &Node) -> Vec<ValueId> {
    let (mut all, mut next) = (vec![], 0);
    let mut queue: Vec<ValueId> = root.inputs.iter().flatten().copied().collect();
    while next < queue.len() && all.len() < SIZE {
        let v = queue[next];
        next += 1;
        if view.net.values[v].constant.is_some() || all.contains(&v) {
            continue;
        }
        all.push(v);
        if let Some(node) = view.producers[v].map(|p| &view.net.nodes[p]).filter(|n| is_elementwise(&n.op)) {
            queue.extend(node.inputs.iter().flatten());
        }
    }
    all.reverse();
    all
}

const ELEMENTWISE: [&str; 15] = [
    "Mul",
    "Div",
    "Add",
    "Sub",
    "Pow",
    "Erf",
    "Tanh",
    "Sigmoid",
    "Clip",
    "HardSigmoid",
    "Relu",
    "Exp",
    "Neg",
    "Min",
    "Max",
];

fn is_elementwise(op: &str) -> bool {
    ELEMENTWISE.contains(&op)
}

fn evaluate(
    view: &View,
    v: ValueId,
    known: &mut HashMap<ValueId, Vec<f64>>,
    size: &mut usize,
) -> Option<Vec<f64>> {
    if let Some(values) = known.get(&v) {
        return Some(values.clone());
    }
    if view.net.values[v].constant.is_some() {
        return Some(vec![f64::from(view.uniform(v)?); POINTS]);
    }
    let node = view.by(v, &ELEMENTWISE)?;
    *size += 1;
    if *size > SIZE {
        return None;
    }
    let a = evaluate(view, node.input(0)?, known, size)?;
    let b = match node.input(1) {
        Some(b) => Some(evaluate(view, b, known, size)?),
        None => None,
    };
    let one = |f: &dyn Fn(f64) -> f64| Some(a.iter().map(|&v| f(v)).collect::<Vec<f64>>());
    let two = |f: fn(f64, f64) -> f64| Some(a.iter().zip(b.as_ref()?).map(|(&x, &y)| f(x, y)).collect());
    let at = &node.attributes;
    let values = match node.op.as_str() {
        "Mul" => two(|x, y| x * y),
        "Div" => two(|x, y| x / y),
        "Add" => two(|x, y| x + y),
        "Sub" => two(|x, y| x - y),
        "Pow" => two(f64::powf),
        "Min" => two(f64::min),
        "Max" => two(f64::max),
        "Erf" => one(&erf),
        "Tanh" => one(&f64::tanh),
        "Sigmoid" => one(&|v| 1.0 / (1.0 + (-v).exp())),
        "Relu" => one(&|v| v.max(0.0)),
        "Exp" => one(&f64::exp),
        "Neg" => one(&|v| -v),
        "HardSigmoid" => {
            let (alpha, beta) = (at.float("alpha").unwrap_or(0.2), at.float("beta").unwrap_or(0.5));
            one(&|v| (f64::from(alpha) * v + f64::from(beta)).clamp(0.0, 1.0))
        }
        "Clip" => {
            let bound = |i: usize, name: &str| {
                node.input(i).and_then(|v| view.uniform(v)).or(at.float(name)).map(f64::from)
            };
            let (lo, hi) = (bound(1, "min").unwrap_or(f64::MIN), bound(2, "max").unwrap_or(f64::MAX));
            one(&|v| v.max(lo).min(hi))
        }
        _ => None,
    }?;
    known.insert(v, values.clone());
    Some(values)
}

/// The series for small arguments; beyond 5 it is 1 to every digit that is compared.
fn erf(x: f64) -> f64 {
    if x.abs() >= 5.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-17 * sum.abs() && n < 200.0 {
        n += 1.0;
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}
