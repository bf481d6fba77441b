//! Arithmetic by element.

use super::evaluate::{broadcast, map, zip};
use super::{like_first, live, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Node, ValueId};
use crate::program::{Arg, Ref};
use crate::tensor::{Kind, Tensor};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["Add"], infer: |i| binary(i, |a, b| a + b, i64::wrapping_add), lift: add },
    Op { names: &["Sub"], infer: |i| binary(i, |a, b| a - b, i64::wrapping_sub), lift: sub },
    Op { names: &["Mul"], infer: |i| binary(i, |a, b| a * b, i64::wrapping_mul), lift: mul },
    Op {
        names: &["Div"],
        infer: |i| binary(i, |a, b| a / b, |a, b| a.checked_div(b).unwrap_or(0)),
        lift: div,
    },
    Op { names: &["Pow"], infer: pow_shape, lift: pow },
    Op {
        names: &["Mod"],
        infer: |i| binary(i, modulo, |a, b| a.checked_rem_euclid(b).unwrap_or(0)),
        lift: constant_only,
    },
    Op { names: &["Min"], infer: |i| fold(i, f32::min, i64::min), lift: |l, n| extreme(l, n, true) },
    Op { names: &["Max"], infer: |i| fold(i, f32::max, i64::max), lift: |l, n| extreme(l, n, false) },
    Op { names: &["Sum"], infer: |i| fold(i, |a, b| a + b, i64::wrapping_add), lift: sum },
    Op { names: &["Mean"], infer: |i| fold(i, |a, b| a + b, i64::wrapping_add), lift: mean },
    Op { names: &["Neg"], infer: neg_shape, lift: neg },
    Op { names: &["Sqrt"], infer: |i| unary(i, f32::sqrt), lift: |l, n| of_sizes(l, n, "sqrt") },
    Op {
        names: &["Reciprocal"],
        infer: |i| unary(i, |v| 1.0 / v),
        lift: |l, n| by_table(l, n, "reciprocal"),
    },
    Op { names: &["Exp"], infer: |i| unary(i, f32::exp), lift: |l, n| by_table(l, n, "exp") },
    Op { names: &["Log"], infer: |i| unary(i, f32::ln), lift: |l, n| of_sizes(l, n, "log") },
    Op { names: &["Sin"], infer: |i| unary(i, f32::sin), lift: |l, n| of_sizes(l, n, "sin") },
    Op { names: &["Cos"], infer: |i| unary(i, f32::cos), lift: |l, n| of_sizes(l, n, "cos") },
    Op { names: &["Floor"], infer: |i| unary(i, f32::floor), lift: constant_only },
    Op { names: &["Ceil"], infer: |i| unary(i, f32::ceil), lift: constant_only },
    Op { names: &["Round"], infer: |i| unary(i, f32::round_ties_even), lift: constant_only },
    Op { names: &["Erf"], infer: |i| unary(i, erf), lift: constant_only },
    Op { names: &["Abs"], infer: abs_shape, lift: |l, n| by_table(l, n, "abs") },
];

fn modulo(a: f32, b: f32) -> f32 {
    a - b * (a / b).trunc()
}

/// Abramowitz and Stegun, 7.1.26, is not enough: the series and the continued fraction in f64.
fn erf(x: f32) -> f32 {
    let x = f64::from(x);
    let series = || {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 * sum.abs() && n < 200.0 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    };
    match x.abs() < 5.0 {
        true => series() as f32,
        false => x.signum() as f32,
    }
}

fn binary(i: &Inference, real: fn(f32, f32) -> f32, int: fn(i64, i64) -> i64) -> Result<Vec<Given>, Refusal> {
    if i.opset() < 7 && i.node.attributes.int("axis").is_some() {
        return Err(Refusal::new("a broadcast along an axis, as before opset 7")
            .help("convert it with `onnx.version_converter`"));
    }
    if let (Some(a), Some(b)) = (i.constant(0), i.constant(1)) {
        return Ok(vec![Given::Constant(zip(a, b, real, int)?)]);
    }
    live(i, broadcast(i.dims(0)?, i.dims(1)?)?)
}

/// Of any number of tensors.
fn fold(i: &Inference, real: fn(f32, f32) -> f32, int: fn(i64, i64) -> i64) -> Result<Vec<Given>, Refusal> {
    if let Some(all) = i.constants() {
        let first = all.first().ok_or_else(|| Refusal::new("no tensors"))?;
        let folded = all[1..].iter().try_fold((*first).clone(), |a, b| zip(&a, b, real, int))?;
        return Ok(vec![Given::Constant(match i.node.op.as_str() {
            "Mean" => map(&folded, |v| v / all.len() as f32),
            _ => folded,
        })]);
    }
    let mut dims = i.dims(0)?.to_vec();
    for k in 1..i.node.inputs.len() {
        dims = broadcast(&dims, i.dims(k)?)?;
    }
    live(i, dims)
}

pub(super) fn unary(i: &Inference, f: fn(f32) -> f32) -> Result<Vec<Given>, Refusal> {
    match i.constant(0) {
        Some(t) => Ok(vec![Given::Constant(map(t, f))]),
        None => like_first(i),
    }
}

fn neg_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    match i.constant(0) {
        Some(Tensor::Int(a)) => Ok(vec![Given::Constant(Tensor::Int(a.mapv(|v| -v)))]),
        _ => unary(i, |v| -v),
    }
}

fn abs_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    match i.constant(0) {
        Some(Tensor::Int(a)) => Ok(vec![Given::Constant(Tensor::Int(a.mapv(i64::abs)))]),
        _ => unary(i, f32::abs),
    }
}

fn pow_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    if let (Some(Tensor::Int(_)), Some(b)) = (i.constant(0), i.constant(1)) {
        let a = i.constant(0).expect("matched");
        let power = |a: i64, b: i64| a.saturating_pow(b.clamp(0, 64) as u32);
        if b.to_float().iter().all(|&v| v >= 0.0 && v.fract() == 0.0) {
            return Ok(vec![Given::Constant(zip(a, &b.cast(Kind::Int), f32::powf, power)?)]);
        }
    }
    binary(i, f32::powf, |a, b| (a as f64).powf(b as f64) as i64)
}

/// Ops that zkml has no table of.
fn constant_only(_: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let refusal = super::unknown("", &n.op);
    Err(match refusal.help {
        Some(_) => refusal,
        None => refusal.help("it is computed where its inputs are constant"),
    })
}

/// Both inputs, a constant one as what is asked for.
fn pair(l: &mut Lift, n: &Node) -> Result<[ValueId; 2], Refusal> {
    Ok([l.input(n, 0)?, l.input(n, 1)?])
}

/// A computed summand: products are brought to few bits first, so that both sides have a step to agree on.
fn summand(l: &mut Lift, v: ValueId) -> Result<Ref, Refusal> {
    let x = l.get(v)?;
    let sums = l.widths.sums;
    match l.elem(x)? {
        Elem::Acc => l.sized(x, &[sums]),
        _ => Ok(x),
    }
}

/// A constant to be added: 24 bits take the other side's step.
pub(super) fn bias(l: &mut Lift, v: ValueId, sign: f32) -> Result<Ref, Refusal> {
    let tensor = l.constant(v).expect("the caller asked");
    let values = trimmed(tensor.to_float().mapv(|x| sign * x));
    let name = l.net.values[v].name.clone();
    l.weight(&name, "bias", &values, Elem::I24, Layout::InOut)
}

/// Without leading extents of 1, which broadcast anyway.
fn trimmed(values: ndarray::ArrayD<f32>) -> ndarray::ArrayD<f32> {
    let dims: Vec<usize> = values.shape().iter().copied().skip_while(|&d| d == 1).collect();
    let dims = if dims.is_empty() { vec![1] } else { dims };
    values
        .as_standard_layout()
        .into_owned()
        .into_shape_with_order(ndarray::IxDyn(&dims))
        .expect("the same elements")
}

fn is_zero(l: &Lift, v: ValueId) -> bool {
    l.constant(v).and_then(Tensor::uniform) == Some(0.0)
}

fn add(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [a, b] = pair(l, n)?;
    let sum = match (l.constant(a).is_some(), l.constant(b).is_some()) {
        (false, false) => {
            let (x, y) = (summand(l, a)?, summand(l, b)?);
            l.call("add").of([x, y])?
        }
        (true, _) => plus(l, b, a, 1.0)?,
        (_, true) => plus(l, a, b, 1.0)?,
    };
    l.give(n, 0, sum)
}

/// `x + sign * constant`
fn plus(l: &mut Lift, x: ValueId, constant: ValueId, sign: f32) -> Result<Ref, Refusal> {
    let value = l.get(x)?;
    if is_zero(l, constant) && broadcast(l.net.dims(x), l.net.dims(constant))? == l.net.dims(x) {
        return Ok(value);
    }
    let b = bias(l, constant, sign)?;
    l.call("add").of([value, b])
}

fn sub(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [a, b] = pair(l, n)?;
    let difference = match (l.constant(a).is_some(), l.constant(b).is_some()) {
        (false, false) => {
            let (x, y) = (summand(l, a)?, summand(l, b)?);
            l.call("sub").of([x, y])?
        }
        (true, _) => {
            let y = l.get(b)?;
            let minus = l.call("neg").of([y])?;
            match is_zero(l, a) {
                true => minus,
                false => {
                    let bias = bias(l, a, 1.0)?;
                    l.call("add").of([minus, bias])?
                }
            }
        }
        (_, true) => plus(l, a, b, -1.0)?,
    };
    l.give(n, 0, difference)
}

/// `x * by`, a change of step for a positive number.
pub(super) fn scaled(l: &mut Lift, x: Ref, by: f64) -> Result<Ref, Refusal> {
    if by == 1.0 {
        return Ok(x);
    }
    if by == 0.0 || !by.is_finite() {
        return Err(Refusal::new(format!("a product with {by}")));
    }
    let x = if by < 0.0 { l.call("neg").of([x])? } else { x };
    match by.abs() {
        1.0 => Ok(x),
        by => l.call("mul").arg("by", Arg::Real(by)).of([x]),
    }
}

fn mul(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [a, b] = pair(l, n)?;
    let product = match (l.constant(a).is_some(), l.constant(b).is_some()) {
        (false, false) => {
            let (x, y) = (l.get(a)?, l.get(b)?);
            times(l, x, y)?
        }
        (true, _) => times_constant(l, b, a, |v| v)?,
        (_, true) => times_constant(l, a, b, |v| v)?,
    };
    l.give(n, 0, product)
}

/// The product of two computed tensors.
pub(super) fn times(l: &mut Lift, x: Ref, y: Ref) -> Result<Ref, Refusal> {
    if x == y {
        let x = l.sized(x, &[l.widths.activations, Elem::I8, Elem::U8])?;
        return l.call("square").of([x]);
    }
    let (x, y) = (l.narrow(x)?, l.narrow(y)?);
    match l.call("mul").of([x, y]) {
        Ok(product) => Ok(product),
        // Both of sixteen bits.
        Err(_) => {
            let x = l.sized(x, &[l.widths.activations])?;
            l.call("mul").of([x, y])
        }
    }
}

/// The product with a constant of which `f` is taken.
pub(super) fn times_constant(
    l: &mut Lift,
    x: ValueId,
    constant: ValueId,
    f: fn(f32) -> f32,
) -> Result<Ref, Refusal> {
    let tensor = l.constant(constant).expect("the caller asked");
    let value = l.get(x)?;
    let stays = broadcast(l.net.dims(x), tensor.dims())? == l.net.dims(x);
    if let (Some(by), true) = (tensor.uniform(), stays) {
        return scaled(l, value, f64::from(f(by)));
    }
    let values = trimmed(tensor.to_float().mapv(f));
    let name = l.net.values[constant].name.clone();
    let value = l.narrow(value)?;
    let gain = l.weight(&name, "gain", &values, Elem::I12, Layout::InOut)?;
    l.call("mul").of([value, gain])
}

fn div(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [a, b] = pair(l, n)?;
    if l.net.values[a].kind == Kind::Int {
        return Err(Refusal::new("a quotient of integers"));
    }
    let quotient = match (l.constant(a), l.constant(b)) {
        (_, Some(_)) => times_constant(l, a, b, |v| 1.0 / v)?,
        (numerator, None) => {
            let y = l.get(b)?;
            let y = l.sized(y, &[l.widths.activations, Elem::I8, Elem::I16, Elem::U8])?;
            let inverse = l.call("reciprocal").of([y])?;
            match numerator.and_then(Tensor::uniform) {
                Some(v) => scaled(l, inverse, f64::from(v))?,
                None => {
                    let x = l.get(a)?;
                    times(l, x, inverse)?
                }
            }
        }
    };
    l.give(n, 0, quotient)
}

fn pow(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [a, b] = pair(l, n)?;
    let exponent = l.constant(b).and_then(Tensor::uniform);
    let power = match exponent {
        Some(1.0) => l.get(a)?,
        Some(2.0) => {
            let x = l.get(a)?;
            times(l, x, x)?
        }
        Some(3.0) => {
            let x = l.get(a)?;
            let square = times(l, x, x)?;
            times(l, square, x)?
        }
        Some(0.5) => return of_sizes(l, n, "sqrt"),
        Some(-0.5) => return by_table(l, n, "rsqrt"),
        Some(-1.0) => return by_table(l, n, "reciprocal"),
        other => {
            let what = other.map_or("that is computed".to_owned(), |e| format!("of {e}"));
            return Err(
                Refusal::new(format!("an exponent {what}")).help("2, 3, 0.5, -0.5 and -1 are supported")
            );
        }
    };
    l.give(n, 0, power)
}

/// A function that zkml has a table of and that reads small values as well as large ones: in as many bits as a table takes.
fn of_sizes(l: &mut Lift, n: &Node, op: &'static str) -> Result<(), Refusal> {
    let x = l.read_as(n, 0, &[Elem::I16, Elem::I8, Elem::I12, Elem::U8])?;
    let y = l.call(op).of([x])?;
    l.give(n, 0, y)
}

/// A function that zkml has a table of; a quantisation before it is part of it.
pub(super) fn by_table(l: &mut Lift, n: &Node, op: &'static str) -> Result<(), Refusal> {
    let x = l.read_narrow(n, 0)?;
    let y = l.call(op).of([x])?;
    l.give(n, 0, y)
}

fn neg(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read(n, 0)?;
    let y = l.call("neg").of([x])?;
    l.give(n, 0, y)
}

fn sum(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let total = total(l, n)?;
    l.give(n, 0, total)
}

fn mean(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let total = total(l, n)?;
    let mean = scaled(l, total, 1.0 / n.inputs.len() as f64)?;
    l.give(n, 0, mean)
}

fn total(l: &mut Lift, n: &Node) -> Result<Ref, Refusal> {
    let mut total: Option<Ref> = None;
    for v in n.inputs.iter().flatten() {
        let term = match l.constant(*v) {
            Some(_) => bias(l, *v, 1.0)?,
            None => summand(l, *v)?,
        };
        total = Some(match total {
            None => term,
            Some(sum) => l.call("add").of([sum, term])?,
        });
    }
    total.ok_or_else(|| Refusal::new("no tensors"))
}

/// `max(x, y) = y + relu(x - y)`, `min(x, y) = x - relu(x - y)`; against a number it is a clamp.
fn extreme(l: &mut Lift, n: &Node, least: bool) -> Result<(), Refusal> {
    let mut inputs: Vec<ValueId> = n.inputs.iter().flatten().copied().collect();
    inputs.sort_by_key(|&v| l.constant(v).is_some());
    let mut best = l.get(inputs[0])?;
    for &v in &inputs[1..] {
        let constant = l.constant(v);
        best = match constant.and_then(Tensor::uniform) {
            Some(bound) => {
                let x = l.sized(best, &[l.widths.activations, Elem::I8, Elem::I16, Elem::U8])?;
                let [lo, hi] = if least { [f32::MIN, bound] } else { [bound, f32::MAX] };
                clamped(l, x, lo, hi)?
            }
            None => {
                let sums = l.widths.sums;
                let x = l.sized(best, &[sums, Elem::I8, Elem::I12, Elem::U8])?;
                let y = match constant {
                    Some(_) => bias(l, v, 1.0)?,
                    None => summand(l, v)?,
                };
                let difference = l.call("sub").of([x, y])?;
                let difference = l.sized(difference, &[sums])?;
                let above = l.call("relu").of([difference])?;
                match least {
                    true => l.call("sub").of([x, above])?,
                    false => l.call("add").of([y, above])?,
                }
            }
        };
    }
    l.give(n, 0, best)
}

/// `clamp(x, lo, hi)`, or a ReLU.
pub(super) fn clamped(l: &mut Lift, x: Ref, lo: f32, hi: f32) -> Result<Ref, Refusal> {
    match (lo, hi) {
        (0.0, f32::MAX..) => l.call("relu").of([x]),
        _ => {
            let bound = |v: f32| Arg::Real(f64::from(v.clamp(-1e9, 1e9)));
            l.call("clamp").arg("lo", bound(lo)).arg("hi", bound(hi)).of([x])
        }
    }
}
