//! Matrix products.

use super::evaluate::broadcast;
use super::{live, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Node, ValueId};
use crate::ops::elementwise::{bias, scaled};
use crate::program::Ref;
use crate::tensor::Tensor;
use ndarray::{ArrayD, Axis, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["MatMul"], infer: matmul_shape, lift: matmul },
    Op { names: &["Gemm"], infer: gemm_shape, lift: gemm },
];

fn matmul_dims(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Refusal> {
    let (mut x, mut y) = (a.to_vec(), b.to_vec());
    if x.len() == 1 {
        x.insert(0, 1);
    }
    if y.len() == 1 {
        y.push(1);
    }
    if x.len() < 2 || y.len() < 2 || x[x.len() - 1] != y[y.len() - 2] {
        return Err(Refusal::new(format!("shapes {a:?} and {b:?} have no product")));
    }
    let mut dims = broadcast(&x[..x.len() - 2], &y[..y.len() - 2])?;
    if a.len() > 1 {
        dims.push(x[x.len() - 2]);
    }
    if b.len() > 1 {
        dims.push(y[y.len() - 1]);
    }
    Ok(dims)
}

fn matmul_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let dims = matmul_dims(i.dims(0)?, i.dims(1)?)?;
    if let (Some(a), Some(b)) = (i.constant(0), i.constant(1)) {
        return Ok(vec![Given::Constant(product(&a.to_float(), &b.to_float(), &dims)?)]);
    }
    live(i, dims)
}

/// Of constants: tables of positions are made so.
fn product(a: &ArrayD<f32>, b: &ArrayD<f32>, dims: &[usize]) -> Result<Tensor, Refusal> {
    if a.ndim() < 2 || b.ndim() < 2 {
        return Err(Refusal::new("a product of constant vectors"));
    }
    let lead = &dims[..dims.len() - 2];
    let stretch = |x: &ArrayD<f32>| {
        let all = [lead, &x.shape()[x.ndim() - 2..]].concat();
        super::evaluate::stretched(x, &all)
    };
    let (x, y) = (stretch(a)?, stretch(b)?);
    let n: usize = lead.iter().product();
    let flat = |x: ArrayD<f32>| {
        let (r, c) = (x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 1]);
        x.into_shape_with_order((n, r, c)).expect("standard layout")
    };
    let (x, y) = (flat(x), flat(y));
    let mut all = vec![];
    for k in 0..n {
        all.extend(x.index_axis(Axis(0), k).dot(&y.index_axis(Axis(0), k)));
    }
    Ok(Tensor::Float(ArrayD::from_shape_vec(IxDyn(dims), all).expect("the product's shape")))
}

fn gemm_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let (a, b) = (i.dims(0)?, i.dims(1)?);
    let (&[a0, a1], &[b0, b1]) = (a, b) else {
        return Err(Refusal::new(format!("shapes {a:?} and {b:?} are no matrices")));
    };
    let at = &i.node.attributes;
    let (m, k) = if at.flag("transA", false) { (a1, a0) } else { (a0, a1) };
    let (l, n) = if at.flag("transB", false) { (b1, b0) } else { (b0, b1) };
    if k != l {
        return Err(Refusal::new(format!("shapes {a:?} and {b:?} have no product")));
    }
    live(i, vec![m, n])
}

/// What a product's two sides may be, from the widest on: the first whose sums fit is taken.
pub(super) fn ladder(l: &Lift) -> Vec<[Elem; 2]> {
    let w = l.widths;
    let mut all = vec![[w.activations, w.weights], [w.activations, Elem::I8], [Elem::I8, Elem::I8]];
    all.dedup();
    all
}

/// `x w` with a constant w of `[in, out]`, or `[out, in]` as PyTorch's `Linear` stores it. Where eight bits have to do for w and one step
/// for all of it would lose too much, each output channel has its own.
pub(super) fn dense(
    l: &mut Lift,
    x: Ref,
    name: &str,
    w: &ArrayD<f32>,
    layout: Layout,
    bias: Option<Bias>,
) -> Result<Ref, Refusal> {
    let mut refused = Refusal::new("no widths");
    for widths in ladder(l) {
        match l.attempt(|l| dense_in(l, x, name, w, layout, bias, widths)) {
            Ok(y) => return Ok(y),
            Err(e) => refused = e,
        }
    }
    Err(refused)
}

fn dense_in(
    l: &mut Lift,
    x: Ref,
    name: &str,
    w: &ArrayD<f32>,
    layout: Layout,
    bias: Option<Bias>,
    [activation, weight]: [Elem; 2],
) -> Result<Ref, Refusal> {
    let channel = if layout == Layout::OutIn { 0 } else { 1 };
    let steps = channels_of(l, name, w, channel, weight);
    let x = l.sized(x, &[activation, Elem::I8, Elem::U8])?;
    match steps {
        None => {
            let w = l.weight(name, "weight", w, weight, layout)?;
            let y = l.call("matmul").of([x, w])?;
            with_bias(l, y, bias)
        }
        Some((scaled, scales)) => {
            let w = l.weight(name, "weight", &scaled, weight, layout)?;
            let y = l.call("matmul").of([x, w])?;
            let y = l.sized(y, &[Elem::I16])?;
            let s = l.weight(&scale_name(name), "scale", &scales, Elem::I12, Layout::InOut)?;
            let y = l.call("mul").of([y, s])?;
            with_bias(l, y, bias)
        }
    }
}

/// A constant to add, and its factor.
pub(super) type Bias = (ValueId, f32);

pub(super) fn with_bias(l: &mut Lift, y: Ref, b: Option<Bias>) -> Result<Ref, Refusal> {
    match b {
        None => Ok(y),
        Some((v, factor)) => {
            let b = bias(l, v, factor)?;
            l.call("add").of([y, b])
        }
    }
}

/// The share of a weight's norm that one step for all of it may lose before its channels get steps of their own.
const LOSS: f64 = 0.01;

/// The name of a weight's scales.
pub(super) fn scale_name(name: &str) -> String {
    match crate::names::is_given(name) {
        true => format!("{}.scale", name.strip_suffix(".weight").unwrap_or(name)),
        false => String::new(),
    }
}

/// The weight by channels and their scales, if it needs them: not where eight bits were asked for.
pub(super) fn channels_of(
    l: &mut Lift,
    name: &str,
    w: &ArrayD<f32>,
    channel: usize,
    elem: Elem,
) -> Option<(ArrayD<f32>, ArrayD<f32>)> {
    if l.widths.weights == Elem::I8 {
        return None;
    }
    let least = if l.is_scaled(name) { 0.0 } else { LOSS };
    let channels = channel_scales(w, channel, elem.interval().hi as f64, least);
    if channels.is_some() {
        l.note_scaled(name);
    }
    channels
}

/// The weight with every output channel divided by its scale, and the scales; `None` where one step for all loses little.
fn channel_scales(
    w: &ArrayD<f32>,
    channel: usize,
    units: f64,
    least: f64,
) -> Option<(ArrayD<f32>, ArrayD<f32>)> {
    let max = w.iter().fold(0f32, |m, v| m.max(v.abs()));
    let step = f64::from(max) / units;
    let energy: f64 = w.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    let lost: f64 =
        w.iter().map(|&v| (f64::from(v) / step).round() * step - f64::from(v)).map(|e| e * e).sum();
    if energy == 0.0 || (lost / energy).sqrt() < least {
        return None;
    }
    let scales: Vec<f32> = w
        .axis_iter(Axis(channel))
        .map(|c| c.iter().fold(0f32, |m, v| m.max(v.abs())))
        .map(|m| if m > 0.0 { m } else { max })
        .collect();
    let mut scaled = w.clone();
    for (mut c, s) in scaled.axis_iter_mut(Axis(channel)).zip(&scales) {
        c.mapv_inplace(|v| v / s);
    }
    Some((scaled, ArrayD::from_shape_vec(IxDyn(&[scales.len()]), scales).expect("a vector")))
}

fn matmul(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (a, b) = (l.input(n, 0)?, l.input(n, 1)?);
    let y = match (l.constant(a), l.constant(b)) {
        (None, Some(w)) if w.dims().len() == 2 => {
            let (x, name) = (l.get(a)?, l.net.values[b].name.clone());
            let x = at_least_rows(l, x)?;
            dense(l, x, &name, &w.to_float(), Layout::InOut, None)?
        }
        (None, Some(w)) if w.dims().len() == 1 => {
            let (x, name) = (l.get(a)?, l.net.values[b].name.clone());
            let w = w.to_float().insert_axis(Axis(1));
            let x = at_least_rows(l, x)?;
            dense(l, x, &name, &w, Layout::InOut, None)?
        }
        _ => {
            let (x, y) = (l.get(a)?, l.get(b)?);
            products(l, x, y)?
        }
    };
    l.give(n, 0, y)
}

/// A vector as a matrix of one row.
fn at_least_rows(l: &mut Lift, x: Ref) -> Result<Ref, Refusal> {
    match &l.dims(x)?[..] {
        &[k] => l.reshaped(x, &[1, k]),
        _ => Ok(x),
    }
}

/// A product of two tensors that are both computed, or a constant's from the left; leading axes that differ are stretched.
pub(super) fn products(l: &mut Lift, x: Ref, y: Ref) -> Result<Ref, Refusal> {
    let (mut dx, mut dy) = (l.dims(x)?, l.dims(y)?);
    let (mut x, mut y) = (x, y);
    if dx.len() == 1 {
        dx.insert(0, 1);
        x = l.reshaped(x, &dx)?;
    }
    if dy.len() == 1 {
        dy.push(1);
        y = l.reshaped(y, &dy)?;
    }
    // `[.., m, k] x [k, n]` and equal leading axes are zkml's.
    let lead = broadcast(&dx[..dx.len() - 2], &dy[..dy.len() - 2])?;
    if dy.len() > 2 || dx.len() < dy.len() {
        for (r, d) in [(&mut x, &dx), (&mut y, &dy)] {
            let all = [&lead[..], &d[d.len() - 2..]].concat();
            *r = super::index::expanded(l, *r, &all)?;
        }
    }
    let mut refused = Refusal::new("no widths");
    for [a, b] in ladder(l) {
        let (x, y) = (l.sized(x, &[a, Elem::I8, Elem::U8])?, l.sized(y, &[b, Elem::I8, Elem::U8])?);
        match l.call("matmul").of([x, y]) {
            Ok(product) => return Ok(product),
            Err(e) => refused = e,
        }
    }
    Err(refused)
}

fn gemm(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (a, b) = (l.input(n, 0)?, l.input(n, 1)?);
    let at = &n.attributes;
    let (alpha, beta) = (at.float("alpha").unwrap_or(1.0), at.float("beta").unwrap_or(1.0));
    let mut x = l.get(a)?;
    if at.flag("transA", false) {
        let sized = l.any_size(x)?;
        x = l.call("transpose").of([sized])?;
    }
    let transposed = at.flag("transB", false);
    let c = n.input(2);
    let constant_bias = match c {
        Some(c) if l.constant(c).is_some() => Some((c, beta)),
        _ => None,
    };
    let y = match l.constant(b) {
        Some(w) => {
            let layout = if transposed { Layout::OutIn } else { Layout::InOut };
            let (name, w) = (l.net.values[b].name.clone(), w.to_float().mapv(|v| v * alpha));
            dense(l, x, &name, &w, layout, constant_bias)?
        }
        None => {
            let mut y = l.get(b)?;
            if transposed {
                let sized = l.any_size(y)?;
                y = l.call("transpose").of([sized])?;
            }
            let xy = products(l, x, y)?;
            let xy = scaled(l, xy, f64::from(alpha))?;
            with_bias(l, xy, constant_bias)?
        }
    };
    let y = match c {
        Some(c) if l.constant(c).is_none() => {
            let (sums, c) = (l.widths.sums, l.get(c)?);
            let (y, c) = (l.sized(y, &[sums])?, l.sized(c, &[sums, Elem::I8, Elem::I12, Elem::U8])?);
            let c = scaled(l, c, f64::from(beta))?;
            l.call("add").of([y, c])?
        }
        _ => y,
    };
    l.give(n, 0, y)
}
