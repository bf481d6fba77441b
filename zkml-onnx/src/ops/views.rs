//! The same values elsewhere.

use super::evaluate::{concatenated, reshaped, selected, transposed};
use super::{axes, axis, ints, live, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Net, Node};
use crate::program::{Arg, Ref};
use crate::tensor::{Kind, Tensor};
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["Reshape"], infer: reshape_shape, lift: renamed },
    Op { names: &["Flatten"], infer: flatten_shape, lift: renamed },
    Op { names: &["Squeeze"], infer: squeeze_shape, lift: renamed },
    Op { names: &["Unsqueeze"], infer: unsqueeze_shape, lift: renamed },
    Op { names: &["Identity", "Dropout"], infer: same_shape, lift: renamed },
    Op { names: &["Cast", "CastLike"], infer: cast_shape, lift: cast },
    Op { names: &["Transpose"], infer: transpose_shape, lift: transpose },
    Op { names: &["Concat"], infer: concat_shape, lift: concat },
    Op { names: &["Split"], infer: split_shape, lift: split },
    Op { names: &["Slice"], infer: slice_shape, lift: slice },
    Op { names: &["Pad"], infer: pad_shape, lift: pad },
    Op { names: &["DepthToSpace"], infer: depth_to_space_shape, lift: depth_to_space },
    Op { names: &["SpaceToDepth"], infer: space_to_depth_shape, lift: space_to_depth },
];

fn given(i: &Inference, dims: Vec<usize>) -> Result<Vec<Given>, Refusal> {
    match i.constant(0) {
        Some(t) => Ok(vec![Given::Constant(reshaped(t, &dims)?)]),
        None => live(i, dims),
    }
}

fn reshape_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let (from, to) = (i.dims(0)?, i.ints("shape", 1)?.ok_or_else(|| Refusal::new("no shape"))?);
    let zero = i.node.attributes.flag("allowzero", false);
    let mut dims: Vec<i64> = to;
    for (k, d) in dims.iter_mut().enumerate() {
        if *d == 0 && !zero {
            *d = *from.get(k).ok_or_else(|| Refusal::new("a 0 beyond the shape"))? as i64;
        }
    }
    let known: i64 = dims.iter().filter(|&&d| d != -1).product();
    let n: usize = from.iter().product();
    if let Some(d) = dims.iter_mut().find(|d| **d == -1) {
        *d = if known == 0 { 0 } else { n as i64 / known };
    }
    let dims: Option<Vec<usize>> = dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    match dims.filter(|d| d.iter().product::<usize>() == n) {
        Some(dims) => given(i, dims),
        None => Err(Refusal::new(format!("{n} elements of {from:?} in another number"))),
    }
}

fn flatten_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let dims = i.dims(0)?;
    let at = i.node.attributes.int("axis").unwrap_or(1);
    let at = if at == dims.len() as i64 { dims.len() } else { axis(at, dims.len())? };
    given(i, vec![dims[..at].iter().product(), dims[at..].iter().product()])
}

fn squeeze_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let dims = i.dims(0)?;
    let drop = match i.ints("axes", 1)? {
        Some(given) => axes(&given, dims.len())?,
        None => (0..dims.len()).filter(|&k| dims[k] == 1).collect(),
    };
    given(i, (0..dims.len()).filter(|k| !drop.contains(k)).map(|k| dims[k]).collect())
}

fn unsqueeze_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let given_axes = i.ints("axes", 1)?.ok_or_else(|| Refusal::new("no axes"))?;
    let rank = i.dims(0)?.len() + given_axes.len();
    let new = axes(&given_axes, rank)?;
    let mut old = i.dims(0)?.iter();
    let dims = (0..rank).map(|k| if new.contains(&k) { 1 } else { *old.next().unwrap_or(&1) }).collect();
    given(i, dims)
}

fn same_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let training = i.node.op == "Dropout"
        && i.optional(2).is_some_and(|v| match v.constant.as_deref() {
            Some(t) => t.uniform() != Some(0.0),
            None => true,
        });
    if training {
        return Err(Refusal::new("a dropout in training").help("export the model in evaluation mode"));
    }
    if i.outputs > 1 && i.node.op == "Dropout" {
        // The mask is all ones, which nothing should read.
        let dims = i.dims(0)?.to_vec();
        let mask = ndarray::ArrayD::from_elem(ndarray::IxDyn(&dims), true);
        let mut all = given(i, dims)?;
        all.push(Given::Constant(Tensor::Bool(mask)));
        return Ok(all);
    }
    given(i, i.dims(0)?.to_vec())
}

/// Renames digits of an index, at most.
fn renamed(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read(n, 0)?;
    l.give(n, 0, x)
}

fn cast_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let kind = match i.node.attributes.int("to") {
        Some(to) => Kind::of(to as i32).map_err(|e| Refusal::new(e.to_string()))?,
        None => i.kind(1)?,
    };
    match i.constant(0) {
        Some(t) => Ok(vec![Given::Constant(t.cast(kind))]),
        None => Ok(vec![Given::Live(kind, i.dims(0)?.to_vec())]),
    }
}

fn cast(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let v = l.input(n, 0)?;
    let (from, to) = (l.net.values[v].kind, l.net.values[n.output()].kind);
    let x = l.get(v)?;
    let y = match (from, to) {
        (_, Kind::Bool) if from != Kind::Bool => {
            let zero = l.call("equal").arg("to", Arg::Real(0.0)).of([x])?;
            l.call("equal").arg("to", Arg::Real(0.0)).of([zero])?
        }
        (Kind::Float, Kind::Int) => return Err(Refusal::new("real numbers towards zero")),
        _ => x,
    };
    l.give(n, 0, y)
}

fn permutation(n: &Node, rank: usize) -> Result<Vec<usize>, Refusal> {
    match n.attributes.ints("perm") {
        None => Ok((0..rank).rev().collect()),
        Some(perm) => {
            let perm = axes(perm, rank)?;
            let mut sorted = perm.clone();
            sorted.sort_unstable();
            match sorted.into_iter().eq(0..rank) {
                true => Ok(perm),
                false => Err(Refusal::new(format!("perm = {perm:?} of {rank} axes"))),
            }
        }
    }
}

fn transpose_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let dims = i.dims(0)?;
    let perm = permutation(i.node, dims.len())?;
    match i.constant(0) {
        Some(t) => Ok(vec![Given::Constant(transposed(t, &perm))]),
        None => live(i, perm.iter().map(|&p| dims[p]).collect()),
    }
}

fn transpose(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let v = l.input(n, 0)?;
    let rank = l.net.dims(v).len();
    let perm = permutation(n, rank)?;
    let x = l.read_sized(n, 0)?;
    let y = turned(l, x, &perm)?;
    l.give(n, 0, y)
}

/// x with its axes in another order.
pub(super) fn turned(l: &mut Lift, x: Ref, perm: &[usize]) -> Result<Ref, Refusal> {
    let rank = perm.len();
    let swap = |k: usize| if rank >= 2 && k >= rank - 2 { 2 * rank - 3 - k } else { k };
    let x = l.any_size(x)?;
    if perm.iter().copied().eq(0..rank) {
        Ok(x)
    } else if perm.iter().copied().eq((0..rank).map(swap)) {
        l.call("transpose").of([x])
    } else {
        let perm = perm.iter().map(|&p| p as i64).collect();
        l.call("transpose").arg("perm", Arg::Ints(perm)).of([x])
    }
}

fn concat_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let mut dims = i.dims(0)?.to_vec();
    let at = axis(i.node.attributes.int("axis").unwrap_or(1), dims.len())?;
    if let Some(parts) = i.constants() {
        return Ok(vec![Given::Constant(concatenated(&parts, at)?)]);
    }
    dims[at] = 0;
    for k in 0..i.node.inputs.len() {
        let part = i.dims(k)?;
        let fits = part.len() == dims.len() && (0..dims.len()).all(|d| d == at || part[d] == dims[d]);
        if !fits {
            return Err(Refusal::new("the parts do not fit"));
        }
        dims[at] += part[at];
    }
    live(i, dims)
}

fn concat(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let rank = l.net.dims(l.input(n, 0)?).len();
    let at = axis(n.attributes.int("axis").unwrap_or(1), rank)?;
    let parts: Vec<usize> = n.inputs.iter().flatten().copied().collect();
    let mut elem = None;
    for &v in &parts {
        if l.constant(v).is_some() {
            continue;
        }
        let x = l.get(v)?;
        let x = l.any_size(x)?;
        elem = elem.or(Some(l.elem(x)?));
    }
    let elem = elem.unwrap_or(Elem::I12);
    let mut refs = vec![];
    for v in parts {
        let x = match l.constant(v) {
            Some(t) => {
                let (name, values) = (l.net.values[v].name.clone(), t.to_float());
                l.weight(&name, "part", &values, elem, zkml_dsl::builder::Layout::InOut)?
            }
            None => {
                let x = l.get(v)?;
                l.in_one_cell(x, elem)?
            }
        };
        refs.push(x);
    }
    let y = match refs.len() {
        1 => refs[0],
        _ => l.call("concat").arg("axis", Arg::Int(at as i64)).of(refs)?,
    };
    l.give(n, 0, y)
}

pub(crate) fn sizes(net: &Net, n: &Node, outputs: usize) -> Result<(usize, Vec<usize>), Refusal> {
    let dims = net.dims(n.input(0).ok_or_else(|| Refusal::new("no tensor"))?);
    let at = axis(n.attributes.int("axis").unwrap_or(0), dims.len())?;
    let sizes = match ints(net, n, "split", 1)? {
        Some(given) => given.iter().map(|&v| v.max(0) as usize).collect(),
        None => {
            let parts = n.attributes.int("num_outputs").map_or(outputs, |v| v as usize).max(1);
            let size = dims[at].div_ceil(parts);
            (0..parts).map(|k| size.min(dims[at].saturating_sub(k * size))).collect::<Vec<usize>>()
        }
    };
    match sizes.iter().sum::<usize>() == dims[at] && !sizes.contains(&0) {
        true => Ok((at, sizes)),
        false => Err(Refusal::new(format!("parts of {sizes:?} of an extent of {}", dims[at]))),
    }
}

fn split_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let (at, sizes) = sizes(i.net, i.node, i.outputs)?;
    let dims = i.dims(0)?;
    let mut first = 0;
    let part = |size: usize| {
        let range: Vec<usize> = (first..first + size).collect();
        first += size;
        match i.constant(0) {
            Some(t) => Ok(Given::Constant(selected(t, at, &range))),
            None => {
                let mut dims = dims.to_vec();
                dims[at] = size;
                Ok(Given::Live(i.kind(0)?, dims))
            }
        }
    };
    sizes.into_iter().map(part).collect()
}

fn split(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (at, sizes) = sizes(l.net, n, n.outputs.len())?;
    let x = l.read_sized(n, 0)?;
    let call = l.call("split").arg("axis", Arg::Int(at as i64));
    let parts = match sizes.windows(2).all(|w| w[0] == w[1]) {
        _ if sizes.len() == 1 => vec![x],
        true => call.arg("parts", Arg::Int(sizes.len() as i64)).all([x])?,
        false => call.arg("sizes", Arg::Ints(sizes.iter().map(|&s| s as i64).collect())).all([x])?,
    };
    for (k, part) in parts.into_iter().enumerate() {
        l.give(n, k, part)?;
    }
    Ok(())
}

/// The positions that a slice reads, by axis.
fn slices(net: &Net, n: &Node) -> Result<Vec<(usize, Vec<usize>)>, Refusal> {
    let dims = net.dims(n.input(0).ok_or_else(|| Refusal::new("no tensor"))?);
    let need = |v: Option<Vec<i64>>, what: &str| v.ok_or_else(|| Refusal::new(format!("no {what}")));
    let starts = need(ints(net, n, "starts", 1)?, "starts")?;
    let ends = need(ints(net, n, "ends", 2)?, "ends")?;
    let along = match ints(net, n, "axes", 3)? {
        Some(given) => axes(&given, dims.len())?,
        None => (0..starts.len()).collect(),
    };
    let steps = ints(net, n, "steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || along.len() != starts.len() || steps.len() != starts.len() {
        return Err(Refusal::new("starts, ends, axes and steps of different numbers"));
    }
    let all = along.iter().enumerate().map(|(k, &at)| {
        let (d, step) = (dims[at] as i64, steps[k]);
        let from_end = |v: i64| if v < 0 { v.saturating_add(d) } else { v };
        if step == 0 {
            return Err(Refusal::new("a step of 0"));
        }
        let (lo, hi) = if step > 0 { (0, d) } else { (-1, d - 1) };
        let start = from_end(starts[k]).clamp(lo.max(0), hi.max(0).max(lo));
        let end = match step < 0 && ends[k] < -d {
            true => -1,
            false => from_end(ends[k]).clamp(lo, hi),
        };
        let mut index = vec![];
        let mut p = start;
        while (step > 0 && p < end) || (step < 0 && p > end) {
            index.push(p as usize);
            p += step;
        }
        Ok((at, index))
    });
    all.collect()
}

fn slice_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let slices = slices(i.net, i.node)?;
    if let Some(t) = i.constant(0) {
        let t = slices.iter().fold(t.clone(), |t, (at, index)| selected(&t, *at, index));
        return Ok(vec![Given::Constant(t)]);
    }
    let mut dims = i.dims(0)?.to_vec();
    slices.iter().for_each(|(at, index)| dims[*at] = index.len());
    match dims.contains(&0) {
        true => Err(Refusal::new("a part of no extent")),
        false => live(i, dims),
    }
}

fn slice(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let mut x = l.read_sized(n, 0)?;
    for (at, index) in slices(l.net, n)? {
        x = picked(l, x, at, &index)?;
    }
    l.give(n, 0, x)
}

/// Entries of an axis: a range, every s-th, or a list.
pub(super) fn picked(l: &mut Lift, x: Ref, at: usize, index: &[usize]) -> Result<Ref, Refusal> {
    let extent = l.dims(x)?[at];
    if index.iter().copied().eq(0..extent) {
        return Ok(x);
    }
    let x = l.any_size(x)?;
    let step = match index {
        [a, b, ..] if b > a => b - a,
        _ => 1,
    };
    let (first, last) = (index[0], index[index.len() - 1]);
    if index.iter().enumerate().all(|(k, &p)| p == first + k * step) {
        let call = l.call("slice").arg("axis", Arg::Int(at as i64));
        let range = Arg::Range(first as i64, last as i64 + 1);
        return call.arg("range", range).arg_if(step > 1, "step", Arg::Int(step as i64)).of([x]);
    }
    let index = index.iter().map(|&p| p as i64).collect();
    l.call("gather").arg("index", Arg::Ints(index)).arg("axis", Arg::Int(at as i64)).of([x])
}

/// Zeros before and behind an axis.
pub(super) fn zeros_around(
    l: &mut Lift,
    x: Ref,
    at: usize,
    [before, after]: [usize; 2],
) -> Result<Ref, Refusal> {
    if before + after == 0 {
        return Ok(x);
    }
    let x = l.any_size(x)?;
    l.call("pad")
        .arg("axis", Arg::Int(at as i64))
        .arg_if(before > 0, "before", Arg::Int(before as i64))
        .arg_if(after > 0, "after", Arg::Int(after as i64))
        .of([x])
}

/// Entries before and after each axis.
fn pads(net: &Net, n: &Node) -> Result<Vec<(usize, [i64; 2])>, Refusal> {
    let rank = net.dims(n.input(0).ok_or_else(|| Refusal::new("no tensor"))?).len();
    let pads = ints(net, n, "pads", 1)?.ok_or_else(|| Refusal::new("no pads"))?;
    let along = match ints(net, n, "axes", 3)? {
        Some(given) => axes(&given, rank)?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * along.len() {
        return Err(Refusal::new(format!("{} pads for {} axes", pads.len(), along.len())));
    }
    Ok(along.iter().enumerate().map(|(k, &at)| (at, [pads[k], pads[along.len() + k]])).collect())
}

fn pad_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let mut dims = i.dims(0)?.to_vec();
    for (at, [a, b]) in pads(i.net, i.node)? {
        let extent = dims[at] as i64 + a + b;
        dims[at] =
            usize::try_from(extent).ok().filter(|&d| d > 0).ok_or_else(|| Refusal::new("nothing is left"))?;
    }
    live(i, dims)
}

fn pad(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let mode = n.attributes.text("mode").unwrap_or("constant");
    let value = match n.input(2) {
        Some(v) => l.constant(v).and_then(Tensor::uniform),
        None => Some(n.attributes.float("value").unwrap_or(0.0)),
    };
    let mut x = l.read_sized(n, 0)?;
    for (at, [a, b]) in pads(l.net, n)? {
        let d = l.dims(x)?[at] as i64;
        // What is cut off comes first.
        let (first, end) = ((-a).max(0), d - (-b).max(0));
        let range: Vec<usize> = (first..end).map(|p| p as usize).collect();
        x = picked(l, x, at, &range)?;
        let (a, b, d) = (a.max(0), b.max(0), end - first);
        x = match mode {
            "constant" if value == Some(0.0) => zeros_around(l, x, at, [a as usize, b as usize])?,
            "reflect" | "edge" | "wrap" => {
                let place = |p: i64| match mode {
                    "edge" => p.clamp(0, d - 1),
                    "wrap" => p.rem_euclid(d),
                    _ if d == 1 => 0,
                    _ => {
                        let period = 2 * (d - 1);
                        let p = p.rem_euclid(period);
                        p.min(period - p)
                    }
                };
                let index: Vec<usize> = (-a..d + b).map(|p| place(p) as usize).collect();
                picked(l, x, at, &index)?
            }
            _ if a + b == 0 => x,
            _ => {
                return Err(Refusal::new(format!("padding of mode {mode} with {value:?}"))
                    .help("zeros, `reflect`, `edge` and `wrap`"))
            }
        };
    }
    l.give(n, 0, x)
}

fn block(n: &Node) -> usize {
    n.attributes.int("blocksize").unwrap_or(1).max(1) as usize
}

fn depth_to_space_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let b = block(i.node);
    match i.dims(0)? {
        &[n, c, h, w] if c % (b * b) == 0 => live(i, vec![n, c / b / b, h * b, w * b]),
        dims => Err(Refusal::new(format!("blocks of {b} of {dims:?}"))),
    }
}

fn depth_to_space(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (x, b) = (l.read_sized(n, 0)?, block(n));
    let &[batch, c, h, w] = &l.dims(x)?[..] else { return Err(Refusal::new("no feature map")) };
    let (apart, perm) = match n.attributes.text("mode").unwrap_or("DCR") {
        "CRD" => ([batch, c / b / b, b, b, h, w], [0, 1, 4, 2, 5, 3]),
        _ => ([batch, b, b, c / b / b, h, w], [0, 3, 4, 1, 5, 2]),
    };
    let x = l.reshaped(x, &apart)?;
    let y = turned(l, x, &perm)?;
    l.give(n, 0, y)
}

fn space_to_depth_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let b = block(i.node);
    match i.dims(0)? {
        &[n, c, h, w] if h % b == 0 && w % b == 0 => live(i, vec![n, c * b * b, h / b, w / b]),
        dims => Err(Refusal::new(format!("blocks of {b} of {dims:?}"))),
    }
}

fn space_to_depth(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (x, b) = (l.read_sized(n, 0)?, block(n));
    let &[batch, c, h, w] = &l.dims(x)?[..] else { return Err(Refusal::new("no feature map")) };
    let x = l.reshaped(x, &[batch, c, h / b, b, w / b, b])?;
    let crd = n.attributes.text("mode") == Some("CRD");
    let y = turned(l, x, if crd { &[0, 1, 3, 5, 2, 4] } else { &[0, 3, 5, 1, 2, 4] })?;
    l.give(n, 0, y)
}
