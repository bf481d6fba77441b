//! Sums and extremes along axes.

use super::{axes, ints, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Net, Node};
use crate::ops::elementwise::times;
use crate::program::{Arg, Ref};
use crate::tensor::Tensor;
use ndarray::{ArrayD, Axis};
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["ReduceSum"], infer: |i| reduced(i, |a, b| a + b), lift: |l, n| sums(l, n, "sum", false) },
    Op {
        names: &["ReduceMean"],
        infer: |i| reduced(i, |a, b| a + b),
        lift: |l, n| sums(l, n, "mean", false),
    },
    Op {
        names: &["ReduceSumSquare"],
        infer: |i| reduced(i, |a, b| a + b),
        lift: |l, n| sums(l, n, "sum", true),
    },
    Op { names: &["ReduceL1"], infer: |i| reduced(i, |a, b| a + b), lift: l1 },
    Op { names: &["ReduceL2"], infer: |i| reduced(i, |a, b| a + b), lift: l2 },
    Op { names: &["ReduceLogSum"], infer: |i| reduced(i, |a, b| a + b), lift: log_sum },
    Op { names: &["ReduceLogSumExp"], infer: |i| reduced(i, |a, b| a + b), lift: log_sum_exp },
    Op { names: &["ReduceMax"], infer: |i| reduced(i, f32::max), lift: |l, n| extreme(l, n, false) },
    Op { names: &["ReduceMin"], infer: |i| reduced(i, f32::min), lift: |l, n| extreme(l, n, true) },
    Op {
        names: &["ReduceProd"],
        infer: |i| reduced(i, |a, b| a * b),
        lift: |_, _| Err(Refusal::new("a product along an axis")),
    },
];

/// The axes that go, and whether they stay as extents of 1.
fn along(net: &Net, n: &Node) -> Result<(Vec<usize>, bool), Refusal> {
    let rank = net.dims(n.input(0).ok_or_else(|| Refusal::new("no tensor"))?).len();
    let keep = n.attributes.flag("keepdims", true);
    let given = ints(net, n, "axes", 1)?.filter(|v| !v.is_empty());
    let mut along = match given {
        Some(given) => axes(&given, rank)?,
        None if n.attributes.flag("noop_with_empty_axes", false) => vec![],
        None => (0..rank).collect(),
    };
    along.sort_unstable();
    Ok((along, keep))
}

fn reduced(i: &Inference, f: fn(f32, f32) -> f32) -> Result<Vec<Given>, Refusal> {
    let (along, keep) = along(i.net, i.node)?;
    let dims = i.dims(0)?;
    if let Some(t) = i.constant(0) {
        let (kind, n) = (t.kind(), along.iter().map(|&a| dims[a]).product::<usize>());
        let mut a: ArrayD<f32> = match i.node.op.as_str() {
            "ReduceSumSquare" | "ReduceL2" => t.to_float().mapv(|v| v * v),
            "ReduceL1" => t.to_float().mapv(f32::abs),
            "ReduceLogSumExp" => t.to_float().mapv(f32::exp),
            _ => t.to_float(),
        };
        for &at in along.iter().rev() {
            let folded = a.map_axis(Axis(at), |lane| lane.iter().copied().reduce(f).unwrap_or(0.0));
            a = if keep { folded.insert_axis(Axis(at)) } else { folded };
        }
        let a = match i.node.op.as_str() {
            "ReduceMean" => a.mapv(|v| v / n as f32),
            "ReduceL2" => a.mapv(f32::sqrt),
            "ReduceLogSum" | "ReduceLogSumExp" => a.mapv(f32::ln),
            _ => a,
        };
        return Ok(vec![Given::Constant(Tensor::Float(a).cast(kind))]);
    }
    let extent = |k: usize| match (along.contains(&k), keep) {
        (false, _) => Some(dims[k]),
        (true, true) => Some(1),
        (true, false) => None,
    };
    super::live(i, (0..dims.len()).filter_map(extent).collect())
}

/// `sum` or `mean` of x over these axes, as extents of 1.
fn summed(l: &mut Lift, op: &'static str, x: Ref, along: &[usize]) -> Result<Ref, Refusal> {
    if along.is_empty() {
        return Ok(x);
    }
    let axes = along.iter().map(|&a| a as i64).collect();
    l.call(op).arg("axes", Arg::Ints(axes)).arg("keep", Arg::Bool(true)).of([x])
}

/// The node's tensor, in a type whose sums fit.
fn operand(l: &mut Lift, n: &Node) -> Result<Ref, Refusal> {
    let x = l.read(n, 0)?;
    let sums = l.widths.sums;
    match l.elem(x)? {
        Elem::Acc => l.sized(x, &[sums]),
        _ => Ok(x),
    }
}

fn sums(l: &mut Lift, n: &Node, op: &'static str, squares: bool) -> Result<(), Refusal> {
    let (along, _) = along(l.net, n)?;
    let mut x = operand(l, n)?;
    if squares {
        x = times(l, x, x)?;
        x = l.sized(x, &[l.widths.sums])?;
    }
    let y = summed(l, op, x, &along)?;
    give(l, n, y)
}

/// In the shape of the file: an accumulator of a sum is reshaped as what it is quantised to.
fn give(l: &mut Lift, n: &Node, y: Ref) -> Result<(), Refusal> {
    let sums = l.widths.sums;
    let y = if l.dims(y)? == l.zk_dims(n.output()) {
        y
    } else {
        l.sized(y, &[sums, Elem::I8, Elem::I12, Elem::U8])?
    };
    l.give(n, 0, y)
}

fn l1(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (along, _) = along(l.net, n)?;
    let x = l.read_as(n, 0, &[l.widths.activations, Elem::I8, Elem::I16, Elem::U8])?;
    let x = l.call("abs").of([x])?;
    let y = summed(l, "sum", x, &along)?;
    give(l, n, y)
}

fn l2(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (along, _) = along(l.net, n)?;
    let x = operand(l, n)?;
    let squares = times(l, x, x)?;
    let squares = l.sized(squares, &[l.widths.sums])?;
    let sum = summed(l, "sum", squares, &along)?;
    let sum = l.sized(sum, &[Elem::I16])?;
    let norm = l.call("sqrt").of([sum])?;
    give(l, n, norm)
}

fn log_sum(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (along, _) = along(l.net, n)?;
    let x = operand(l, n)?;
    let sum = summed(l, "sum", x, &along)?;
    let sum = l.sized(sum, &[Elem::I16])?;
    let y = l.call("log").of([sum])?;
    give(l, n, y)
}

fn log_sum_exp(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (along, _) = along(l.net, n)?;
    let x = l.read_narrow(n, 0)?;
    let [most, log] = shifted_log(l, x, &along)?;
    let log = l.in_own_step(log, l.widths.sums)?;
    let y = l.call("add").of([most, log])?;
    give(l, n, y)
}

/// The largest along the axes, and `log(sum(exp(x - largest)))`, whose sum lies between 1 and the number of entries.
pub(super) fn shifted_log(l: &mut Lift, x: Ref, along: &[usize]) -> Result<[Ref; 2], Refusal> {
    let mut most = x;
    for &at in along {
        most = l.call("max").arg("axis", Arg::Int(at as i64)).arg("keep", Arg::Bool(true)).of([most])?;
    }
    let below = l.call("sub").of([x, most])?;
    let below = l.sized(below, &[l.widths.activations])?;
    let e = l.call("exp").of([below])?;
    let sum = summed(l, "sum", e, along)?;
    let sum = l.sized(sum, &[Elem::I16])?;
    Ok([most, l.call("log").of([sum])?])
}

/// One axis after the other; the least is the largest of the negatives.
fn extreme(l: &mut Lift, n: &Node, least: bool) -> Result<(), Refusal> {
    let (along, _) = along(l.net, n)?;
    let mut x = l.read_narrow(n, 0)?;
    if least {
        x = l.call("neg").of([x])?;
        x = l.sized(x, &[l.widths.activations])?;
    }
    for &at in &along {
        x = l.call("max").arg("axis", Arg::Int(at as i64)).arg("keep", Arg::Bool(true)).of([x])?;
    }
    if least {
        x = l.call("neg").of([x])?;
    }
    give(l, n, x)
}
