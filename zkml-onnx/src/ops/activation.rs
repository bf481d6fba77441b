//! Functions of one value.

use super::elementwise::{by_table, clamped, scaled, times, unary};
use super::{like_first, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::Node;
use crate::program::{Arg, Ref};
use crate::tensor::Tensor;
use ndarray::{ArrayD, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["Relu"], infer: |i| unary(i, |v| v.max(0.0)), lift: |l, n| by_table(l, n, "relu") },
    Op {
        names: &["Sigmoid"],
        infer: |i| unary(i, |v| 1.0 / (1.0 + (-v).exp())),
        lift: |l, n| by_table(l, n, "sigmoid"),
    },
    Op { names: &["Tanh"], infer: |i| unary(i, f32::tanh), lift: |l, n| by_table(l, n, "tanh") },
    Op { names: &["Gelu"], infer: like_first, lift: gelu },
    Op { names: &["Silu", "Swish"], infer: like_first, lift: silu },
    Op { names: &["HardSigmoid"], infer: like_first, lift: hard_sigmoid },
    Op { names: &["HardSwish"], infer: like_first, lift: hard_swish },
    Op { names: &["LeakyRelu"], infer: like_first, lift: leaky_relu },
    Op { names: &["PRelu"], infer: like_first, lift: p_relu },
    Op { names: &["Elu"], infer: like_first, lift: |l, n| elu(l, n, 1.0, 1.0) },
    Op { names: &["Selu"], infer: like_first, lift: |l, n| elu(l, n, 1.673_263_2, 1.050_701) },
    Op { names: &["Celu"], infer: like_first, lift: celu },
    Op { names: &["ThresholdedRelu"], infer: like_first, lift: thresholded_relu },
    Op { names: &["Softsign"], infer: like_first, lift: softsign },
    Op { names: &["Clip"], infer: clip_shape, lift: clip },
    Op { names: &["Softplus"], infer: like_first, lift: softplus },
    Op { names: &["Mish"], infer: like_first, lift: mish },
    Op { names: &["Softmax"], infer: like_first, lift: softmax },
    Op { names: &["LogSoftmax"], infer: like_first, lift: log_softmax },
];

fn gelu(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read_narrow(n, 0)?;
    let tanh = n.attributes.text("approximate") == Some("tanh");
    let y = l.call("gelu").arg_if(tanh, "tanh", Arg::Bool(true)).of([x])?;
    l.give(n, 0, y)
}

fn silu(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    match n.attributes.float("alpha") {
        None | Some(1.0) => by_table(l, n, "silu"),
        Some(alpha) => {
            let x = l.read_narrow(n, 0)?;
            let inner = scaled(l, x, f64::from(alpha))?;
            let inner = l.any_size(inner)?;
            let gate = l.call("sigmoid").of([inner])?;
            let y = times(l, x, gate)?;
            l.give(n, 0, y)
        }
    }
}

/// A number for every entry.
fn number(l: &mut Lift, role: &str, v: f32) -> Result<Ref, Refusal> {
    l.weight("", role, &ArrayD::from_elem(IxDyn(&[1]), v), Elem::I24, Layout::InOut)
}

/// `clamp(alpha x + beta, 0, 1)`
fn hard(l: &mut Lift, n: &Node, alpha: f32, beta: f32) -> Result<[Ref; 2], Refusal> {
    let x = l.read_narrow(n, 0)?;
    let inner = scaled(l, x, f64::from(alpha))?;
    let beta = number(l, "offset", beta)?;
    let inner = l.call("add").of([inner, beta])?;
    let inner = l.sized(inner, &[l.widths.activations])?;
    Ok([x, clamped(l, inner, 0.0, 1.0)?])
}

fn hard_sigmoid(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let at = &n.attributes;
    let (alpha, beta) = (at.float("alpha").unwrap_or(0.2), at.float("beta").unwrap_or(0.5));
    let [_, y] = hard(l, n, alpha, beta)?;
    l.give(n, 0, y)
}

fn hard_swish(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [x, gate] = hard(l, n, 1.0 / 6.0, 0.5)?;
    let y = times(l, x, gate)?;
    l.give(n, 0, y)
}

/// The parts above and below zero: `relu(x)` and `relu(-x)`.
fn halves(l: &mut Lift, n: &Node) -> Result<[Ref; 2], Refusal> {
    let x = l.read_as(n, 0, &[l.widths.activations, Elem::I8, Elem::I12, Elem::I16])?;
    let minus = l.call("neg").of([x])?;
    let minus = l.sized(minus, &[l.widths.activations])?;
    Ok([l.call("relu").of([x])?, l.call("relu").of([minus])?])
}

fn leaky_relu(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let alpha = f64::from(n.attributes.float("alpha").unwrap_or(0.01));
    let [above, below] = halves(l, n)?;
    let y = match alpha {
        0.0 => above,
        _ => {
            let below = scaled(l, below, -alpha)?;
            l.call("add").of([above, below])?
        }
    };
    l.give(n, 0, y)
}

fn p_relu(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let slope = l.input(n, 1)?;
    let Some(values) = l.constant(slope) else { return Err(Refusal::new("a slope that is computed")) };
    let [above, below] = halves(l, n)?;
    let (name, values) = (l.net.values[slope].name.clone(), values.to_float().mapv(|v| -v));
    let slope = l.weight(&name, "slope", &values, Elem::I12, Layout::InOut)?;
    let below = l.call("mul").of([below, slope])?;
    let below = l.sized(below, &[l.widths.sums])?;
    let y = l.call("add").of([above, below])?;
    l.give(n, 0, y)
}

/// `gamma (relu(x) + alpha (exp(min(x, 0)) - 1))`
fn elu(l: &mut Lift, n: &Node, alpha: f32, gamma: f32) -> Result<(), Refusal> {
    let at = &n.attributes;
    let (alpha, gamma) = (at.float("alpha").unwrap_or(alpha), at.float("gamma").unwrap_or(gamma));
    exponential(l, n, [alpha, gamma], 1.0)
}

fn celu(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let alpha = n.attributes.float("alpha").unwrap_or(1.0);
    exponential(l, n, [alpha, 1.0], f64::from(1.0 / alpha))
}

fn exponential(l: &mut Lift, n: &Node, [alpha, gamma]: [f32; 2], inner: f64) -> Result<(), Refusal> {
    let x = l.read_as(n, 0, &[l.widths.activations, Elem::I8, Elem::I12, Elem::I16])?;
    let above = l.call("relu").of([x])?;
    let below = clamped(l, x, f32::MIN, 0.0)?;
    let below = scaled(l, below, inner)?;
    let e = l.call("exp").of([below])?;
    let one = number(l, "one", -1.0)?;
    let e = l.call("add").of([e, one])?;
    let e = l.sized(e, &[l.widths.sums])?;
    let e = scaled(l, e, f64::from(alpha))?;
    let e = l.any_size(e)?;
    let y = l.call("add").of([above, e])?;
    let y = scaled(l, y, f64::from(gamma))?;
    l.give(n, 0, y)
}

/// x where it is above alpha, else 0.
fn thresholded_relu(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let alpha = n.attributes.float("alpha").unwrap_or(1.0);
    let x = l.read_narrow(n, 0)?;
    let above = l.call("greater").arg("than", Arg::Real(f64::from(alpha))).of([x])?;
    let y = times(l, x, above)?;
    l.give(n, 0, y)
}

/// `x / (1 + |x|)`
fn softsign(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read_as(n, 0, &[l.widths.activations, Elem::I8, Elem::I12, Elem::I16])?;
    let size = l.call("abs").of([x])?;
    let one = number(l, "one", 1.0)?;
    let sum = l.call("add").of([size, one])?;
    let sum = l.sized(sum, &[l.widths.activations])?;
    let inverse = l.call("reciprocal").arg("bits", Arg::Int(14)).of([sum])?;
    let y = times(l, x, inverse)?;
    l.give(n, 0, y)
}

/// The bounds of a clip: attributes in opset 6, inputs since 11.
fn bounds(at: &crate::net::Attributes, min: Option<&Tensor>, max: Option<&Tensor>) -> [f32; 2] {
    let given = |t: Option<&Tensor>, name: &str| t.and_then(Tensor::uniform).or(at.float(name));
    [given(min, "min").unwrap_or(f32::MIN), given(max, "max").unwrap_or(f32::MAX)]
}

fn clip_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let [lo, hi] = bounds(&i.node.attributes, i.constant(1), i.constant(2));
    match i.constant(0) {
        Some(Tensor::Int(a)) => {
            Ok(vec![Given::Constant(Tensor::Int(a.mapv(|v| v.clamp(lo as i64, hi as i64))))])
        }
        Some(t) => Ok(vec![Given::Constant(super::evaluate::map(t, |v| v.max(lo).min(hi)))]),
        None => like_first(i),
    }
}

fn clip(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    for i in [1, 2] {
        if n.input(i).is_some_and(|v| l.constant(v).is_none()) {
            return Err(Refusal::new("a bound that is computed"));
        }
    }
    let tensor = |l: &Lift, i: usize| n.input(i).and_then(|v| l.constant(v).cloned());
    let [lo, hi] = bounds(&n.attributes, tensor(l, 1).as_ref(), tensor(l, 2).as_ref());
    if lo > hi {
        return Err(Refusal::new(format!("bounds {lo} and {hi}")));
    }
    let x = l.read_narrow(n, 0)?;
    let y = clamped(l, x, lo, hi)?;
    l.give(n, 0, y)
}

/// `log(1 + exp(x)) = relu(x) - log(sigmoid(|x|))`: the logarithm is of a half to one.
fn soft_plus(l: &mut Lift, x: Ref) -> Result<Ref, Refusal> {
    let size = l.call("abs").of([x])?;
    let gate = l.call("sigmoid").of([size])?;
    let log = l.call("log").arg("bits", Arg::Int(15)).of([gate])?;
    let above = l.call("relu").of([x])?;
    let log = l.in_own_step(log, l.widths.sums)?;
    l.call("sub").of([above, log])
}

fn softplus(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read_as(n, 0, &[l.widths.activations, Elem::I8, Elem::I12, Elem::I16])?;
    let y = soft_plus(l, x)?;
    l.give(n, 0, y)
}

/// `x tanh(softplus(x))`
fn mish(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read_as(n, 0, &[l.widths.activations, Elem::I8, Elem::I12, Elem::I16])?;
    let inner = soft_plus(l, x)?;
    let inner = l.sized(inner, &[l.widths.activations])?;
    let gate = l.call("tanh").of([inner])?;
    let y = times(l, x, gate)?;
    l.give(n, 0, y)
}

/// `x - largest - log(sum(exp(x - largest)))`; before opset 13 over all from `axis` on.
fn log_softmax(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let v = l.input(n, 0)?;
    let dims = l.zk_dims(v);
    let old = l.net.opset < 13;
    let axis = super::axis(n.attributes.int("axis").unwrap_or(if old { 1 } else { -1 }), dims.len())?;
    let mut x = l.read_as(n, 0, &[l.widths.activations, Elem::I8, Elem::I12])?;
    let mut along = axis;
    if old {
        let rows = [dims[..axis].iter().product::<usize>(), dims[axis..].iter().product()];
        (x, along) = (l.reshaped(x, &rows)?, 1);
    }
    let [most, log] = super::reduce::shifted_log(l, x, &[along])?;
    let sums = l.widths.sums;
    let below = l.call("sub").of([x, most])?;
    let (below, log) = (l.sized(below, &[sums])?, l.in_own_step(log, sums)?);
    let y = l.call("sub").of([below, log])?;
    l.give(n, 0, y)
}

/// Over the last axis, another is moved there; before opset 13 over all from `axis` on.
fn softmax(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let v = l.input(n, 0)?;
    let dims = l.zk_dims(v);
    let rank = dims.len();
    let old = l.net.opset < 13;
    let axis = super::axis(n.attributes.int("axis").unwrap_or(if old { 1 } else { -1 }), rank)?;
    let x = l.read_as(n, 0, &[score(l), Elem::I8, Elem::I12])?;
    let y = if old {
        let rows = [dims[..axis].iter().product::<usize>(), dims[axis..].iter().product()];
        let flat = l.reshaped(x, &rows)?;
        l.call("softmax").of([flat])?
    } else if axis + 1 == rank {
        l.call("softmax").of([x])?
    } else {
        let mut perm: Vec<i64> = (0..rank as i64).collect();
        perm.swap(axis, rank - 1);
        let x = l.call("transpose").arg("perm", Arg::Ints(perm.clone())).of([x])?;
        let y = l.call("softmax").of([x])?;
        l.call("transpose").arg("perm", Arg::Ints(perm)).of([y])?
    };
    l.give(n, 0, y)
}

/// What the rows of a softmax are read as.
fn score(l: &Lift) -> Elem {
    match l.widths.activations {
        Elem::I8 => Elem::I8,
        _ => Elem::I12,
    }
}
