//! Entries by their number.

use super::evaluate::{reshaped, selected};
use super::views::picked;
use super::{axis, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Attribute, Net, Node};
use crate::program::{Arg, Ref};
use crate::tensor::{Kind, Tensor};
use ndarray::{ArrayD, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["Gather"], infer: gather_shape, lift: gather },
    Op { names: &["ArgMax"], infer: |i| arg_shape(i), lift: |l, n| arg(l, n, false) },
    Op { names: &["ArgMin"], infer: |i| arg_shape(i), lift: |l, n| arg(l, n, true) },
    Op { names: &["TopK"], infer: top_k_shape, lift: top_k },
    Op { names: &["OneHot"], infer: one_hot_shape, lift: one_hot },
    Op { names: &["Resize", "Upsample"], infer: resize_shape, lift: resize },
    Op {
        names: &["ScatterND"],
        infer: scatter,
        lift: |_, _| Err(Refusal::new("entries that are put into a computed tensor")),
    },
    Op { names: &["GatherND", "GatherElements"], infer: listed_shape, lift: pick_listed },
];

fn gathered(data: &[usize], index: &[usize], at: usize) -> Vec<usize> {
    [&data[..at], index, &data[at + 1..]].concat()
}

fn places(index: &Tensor, extent: usize) -> Result<Vec<usize>, Refusal> {
    let place =
        |v: i64| usize::try_from(if v < 0 { v + extent as i64 } else { v }).ok().filter(|&p| p < extent);
    let fail = |v: i64| Refusal::new(format!("entry {v} of {extent}"));
    index.int_values().into_iter().map(|v| place(v).ok_or_else(|| fail(v))).collect()
}

fn gather_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let (data, index) = (i.dims(0)?, i.dims(1)?);
    let at = axis(i.node.attributes.int("axis").unwrap_or(0), data.len())?;
    let dims = gathered(data, index, at);
    if let (Some(t), Some(index)) = (i.constant(0), i.constant(1)) {
        let flat = selected(t, at, &places(index, data[at])?);
        return Ok(vec![Given::Constant(reshaped(&flat, &dims)?)]);
    }
    Ok(vec![Given::Live(i.kind(0)?, dims)])
}

/// A constant list picks; numbers that are computed look up the rows of a table.
fn gather(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (data, index) = (l.input(n, 0)?, l.input(n, 1)?);
    let dims = l.net.dims(data).to_vec();
    let at = axis(n.attributes.int("axis").unwrap_or(0), dims.len())?;
    let y = match l.constant(index) {
        Some(list) => {
            let list = places(list, dims[at])?;
            let x = l.read_sized(n, 0)?;
            picked(l, x, at, &list)?
        }
        None => {
            let Some(table) = l.constant(data) else {
                return Err(Refusal::new("computed entries of a computed tensor"));
            };
            if at != 0 {
                return Err(Refusal::new("computed entries of an axis that is not the first"));
            }
            let (rows, width) = (dims[0], dims[1..].iter().product::<usize>());
            let table = table
                .to_float()
                .into_shape_with_order(IxDyn(&[rows, width]))
                .map_err(|e| Refusal::new(e.to_string()))?;
            let (name, table) = (l.net.values[data].name.clone(), padded_rows(table));
            let elem = l.widths.sums;
            let table = l.weight(&name, "table", &table, elem, Layout::InOut)?;
            let tokens = l.get(index)?;
            l.call("embedding").of([tokens, table])?
        }
    };
    l.give(n, 0, y)
}

/// An axis is stored by its odd part, so a large odd vocabulary is padded with rows of zeros to a multiple of 128.
fn padded_rows(table: ArrayD<f32>) -> ArrayD<f32> {
    let rows = table.shape()[0];
    let slabs = rows >> rows.trailing_zeros();
    if slabs < 128 {
        return table;
    }
    let more = ArrayD::zeros(IxDyn(&[rows.next_multiple_of(128) - rows, table.shape()[1]]));
    ndarray::concatenate(ndarray::Axis(0), &[table.view(), more.view()]).expect("rows of one width")
}

/// x stretched to a shape: axes of one entry are repeated.
pub(super) fn expanded(l: &mut Lift, x: Ref, dims: &[usize]) -> Result<Ref, Refusal> {
    let mut from = l.dims(x)?;
    if from == dims {
        return Ok(x);
    }
    let mut x = l.any_size(x)?;
    if from.len() < dims.len() {
        from.splice(0..0, vec![1; dims.len() - from.len()]);
        x = l.reshaped(x, &from)?;
    }
    for (k, (&have, &want)) in from.iter().zip(dims).enumerate() {
        if have != want {
            x = picked(l, x, k, &vec![0; want])?;
        }
    }
    Ok(x)
}

fn arg_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let mut dims = i.dims(0)?.to_vec();
    let at = axis(i.node.attributes.int("axis").unwrap_or(0), dims.len())?;
    match i.node.attributes.flag("keepdims", true) {
        true => dims[at] = 1,
        false => drop(dims.remove(at)),
    }
    Ok(vec![Given::Live(Kind::Int, dims)])
}

fn arg(l: &mut Lift, n: &Node, least: bool) -> Result<(), Refusal> {
    if n.attributes.flag("select_last_index", false) {
        return Err(Refusal::new("the last of equal entries"));
    }
    let v = l.input(n, 0)?;
    let rank = l.zk_dims(v).len();
    let at = axis(n.attributes.int("axis").unwrap_or(0), rank)?;
    let mut x = l.get(v)?;
    // Along the last axis logits are compared as they are.
    if at + 1 != rank {
        x = l.any_size(x)?;
    }
    if least {
        x = l.call("neg").of([x])?;
    }
    let y = l.call("argmax").arg("axis", Arg::Int(at as i64)).of([x])?;
    let y = if l.dims(y)?.len() == l.zk_dims(n.output()).len() {
        y
    } else {
        l.sized(y, &[Elem::I24, Elem::I16])?
    };
    l.give(n, 0, y)
}

fn top_k_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let mut dims = i.dims(0)?.to_vec();
    let at = axis(i.node.attributes.int("axis").unwrap_or(-1), dims.len())?;
    let k = i.ints("k", 1)?.and_then(|v| v.first().copied()).ok_or_else(|| Refusal::new("no number"))?;
    dims[at] = k.max(1) as usize;
    Ok(vec![Given::Live(i.kind(0)?, dims.clone()), Given::Live(Kind::Int, dims)])
}

fn top_k(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    if !n.attributes.flag("largest", true) {
        return Err(Refusal::new("the smallest").help("negate the tensor"));
    }
    let v = l.input(n, 0)?;
    let rank = l.zk_dims(v).len();
    let at = axis(n.attributes.int("axis").unwrap_or(-1), rank)?;
    let k = l.zk_dims(n.output())[at] as i64;
    let x = l.read_sized(n, 0)?;
    let both = l.call("top_k").arg("k", Arg::Int(k)).arg("axis", Arg::Int(at as i64)).all([x])?;
    for (i, r) in both.into_iter().enumerate() {
        l.give(n, i, r)?;
    }
    Ok(())
}

fn one_hot_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let depth =
        i.ints("depth", 1)?.and_then(|v| v.first().copied()).ok_or_else(|| Refusal::new("no depth"))?;
    let mut dims = i.dims(0)?.to_vec();
    let at = axis(i.node.attributes.int("axis").unwrap_or(-1), dims.len() + 1)?;
    dims.insert(at, depth.max(1) as usize);
    Ok(vec![Given::Live(i.kind(2)?, dims)])
}

/// Rows of the table that has `on` in its diagonal and `off` elsewhere.
fn one_hot(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let values = l.input(n, 2)?;
    let Some(Tensor::Float(_) | Tensor::Int(_)) = l.constant(values) else {
        return Err(Refusal::new("values that are computed"));
    };
    let v = l.constant(values).expect("matched").float_values();
    let dims = l.zk_dims(n.output());
    let at = axis(n.attributes.int("axis").unwrap_or(-1), dims.len())?;
    if at + 1 != dims.len() {
        return Err(Refusal::new("an axis that is not the last"));
    }
    let depth = dims[at];
    let table = (0..depth * depth).map(|p| if p / depth == p % depth { v[1] } else { v[0] }).collect();
    let table = ArrayD::from_shape_vec(IxDyn(&[depth, depth]), table).expect("a square");
    let table = l.weight("", "one_hot", &table, l.widths.activations, Layout::InOut)?;
    let tokens = l.read(n, 0)?;
    let y = l.call("embedding").of([tokens, table])?;
    l.give(n, 0, y)
}

/// By axis: the entries that are repeated.
fn resized(i: &Inference) -> Result<Vec<Vec<usize>>, Refusal> {
    let at = &i.node.attributes;
    if at.text("mode").unwrap_or("nearest") != "nearest" {
        return Err(Refusal::new(format!("mode {}", at.text("mode").unwrap_or_default())).help("`nearest`"));
    }
    let dims = i.dims(0)?;
    let scales: Option<Vec<f32>> = (1..i.node.inputs.len())
        .filter_map(|k| i.constant(k))
        .find_map(|t| match t {
            Tensor::Float(a) if a.len() == dims.len() => Some(a.iter().copied().collect()),
            _ => None,
        })
        .or_else(|| match at.0.get("scales") {
            Some(Attribute::Floats(v)) => Some(v.clone()),
            _ => None,
        });
    let sizes = i.constant(3).map(Tensor::int_values).filter(|s| s.len() == dims.len());
    let out: Vec<usize> = match (&scales, &sizes) {
        (_, Some(sizes)) => sizes.iter().map(|&s| s.max(1) as usize).collect(),
        (Some(scales), None) => dims.iter().zip(scales).map(|(&d, s)| (d as f32 * s) as usize).collect(),
        _ => return Err(Refusal::new("no constant scales or sizes")),
    };
    let half = at.text("coordinate_transformation_mode").unwrap_or("half_pixel").to_owned();
    let old = i.node.op == "Upsample" || i.opset() < 11;
    let rounding = if old { "floor" } else { at.text("nearest_mode").unwrap_or("round_prefer_floor") };
    let place = |d: usize, o: usize, p: usize| -> Result<usize, Refusal> {
        let scale = match &scales {
            Some(s) if sizes.is_none() => {
                f64::from(s[dims.iter().zip(&out).position(|(&a, &b)| (a, b) == (d, o)).unwrap_or(0)])
            }
            _ => o as f64 / d as f64,
        };
        let x = match (old, half.as_str()) {
            (true, _) | (_, "asymmetric") => p as f64 / scale,
            (_, "half_pixel" | "pytorch_half_pixel") if o > 1 || half == "half_pixel" => {
                (p as f64 + 0.5) / scale - 0.5
            }
            (_, "pytorch_half_pixel") => 0.0,
            (_, "align_corners") if o > 1 => p as f64 * (d - 1) as f64 / (o - 1) as f64,
            (_, "align_corners") => 0.0,
            (_, other) => return Err(Refusal::new(format!("coordinates {other}"))),
        };
        let nearest = match rounding {
            "floor" => x.floor(),
            "ceil" => x.ceil(),
            "round_prefer_ceil" => (x + 0.5).floor(),
            _ => (x - 0.5).ceil(),
        };
        Ok(nearest.clamp(0.0, (d - 1) as f64) as usize)
    };
    dims.iter().zip(&out).map(|(&d, &o)| (0..o).map(|p| place(d, o, p)).collect()).collect()
}

fn resize_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let index = resized(i)?;
    super::live(i, index.iter().map(Vec::len).collect())
}

fn resize(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let index = resized(&Inference { node: n, net: l.net, outputs: 1 })?;
    let mut x = l.read_sized(n, 0)?;
    for (at, index) in index.iter().enumerate() {
        x = picked(l, x, at, index)?;
    }
    l.give(n, 0, x)
}

/// Of constants: exporters fill masks so.
fn scatter(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let Some(all) = i.constants() else { return super::like_first(i) };
    let [data, index, updates] = all[..] else { return Err(Refusal::new("three tensors")) };
    let kind = data.kind();
    let mut out = data.to_float();
    let depth = *index.dims().last().ok_or_else(|| Refusal::new("no places"))?;
    let (index, updates) = (index.int_values(), updates.float_values());
    let dims = data.dims().to_vec();
    let size: usize = dims[depth..].iter().product();
    let strides: Vec<usize> = (0..depth).map(|k| dims[k + 1..].iter().product()).collect();
    let flat = out.as_slice_mut().ok_or_else(|| Refusal::new("a constant in another order"))?;
    for (at, update) in index.chunks(depth.max(1)).zip(updates.chunks(size.max(1))) {
        let place =
            |(k, &v): (usize, &i64)| (if v < 0 { v + dims[k] as i64 } else { v }) as usize * strides[k];
        let start: usize = at.iter().enumerate().map(place).sum();
        let to = flat.get_mut(start..start + size).ok_or_else(|| Refusal::new("a place outside"))?;
        to.copy_from_slice(update);
    }
    Ok(vec![Given::Constant(Tensor::Float(out).cast(kind))])
}

/// Places in the data, row-major, that a node with constant places reads.
fn places_nd(data: &[usize], index: &Tensor) -> Result<Vec<usize>, Refusal> {
    let &depth =
        index.dims().last().filter(|&&d| d <= data.len()).ok_or_else(|| Refusal::new("no places"))?;
    let size: usize = data[depth..].iter().product();
    let mut all = vec![];
    for at in index.int_values().chunks(depth.max(1)) {
        let mut start = 0;
        for (k, &v) in at.iter().enumerate() {
            let place = if v < 0 { v + data[k] as i64 } else { v };
            let place = usize::try_from(place).ok().filter(|&p| p < data[k]);
            let place = place.ok_or_else(|| Refusal::new(format!("entry {v} of {}", data[k])))?;
            start += place * data[k + 1..].iter().product::<usize>();
        }
        all.extend(start..start + size);
    }
    Ok(all)
}

/// The same for one place along an axis for every entry.
fn places_of_elements(data: &[usize], index: &Tensor, at: usize) -> Result<Vec<usize>, Refusal> {
    let dims = index.dims();
    if dims.len() != data.len() || (0..dims.len()).any(|k| k != at && dims[k] > data[k]) {
        return Err(Refusal::new(format!("places {dims:?} in {data:?}")));
    }
    let strides =
        |dims: &[usize]| -> Vec<usize> { (0..dims.len()).map(|k| dims[k + 1..].iter().product()).collect() };
    let (own, of_data) = (strides(dims), strides(data));
    let place = |(i, &v): (usize, &i64)| {
        let along = if v < 0 { v + data[at] as i64 } else { v };
        let along = usize::try_from(along).ok().filter(|&p| p < data[at]);
        let along = along.ok_or_else(|| Refusal::new(format!("entry {v} of {}", data[at])))?;
        Ok((0..dims.len()).map(|k| if k == at { along } else { i / own[k] % dims[k] } * of_data[k]).sum())
    };
    index.int_values().iter().enumerate().map(place).collect()
}

/// The constant places of either, and the shape of what they give.
fn listed(net: &Net, n: &Node) -> Result<(Vec<usize>, Vec<usize>), Refusal> {
    let (data, index) = (n.input(0), n.input(1));
    let (data, index) = data.zip(index).ok_or_else(|| Refusal::new("an input is missing"))?;
    let (data, Some(index)) = (net.dims(data), net.value(index)) else {
        return Err(Refusal::new("entries at computed places"));
    };
    match n.op.as_str() {
        "GatherElements" => {
            let at = axis(n.attributes.int("axis").unwrap_or(0), data.len())?;
            Ok((places_of_elements(data, index, at)?, index.dims().to_vec()))
        }
        _ => {
            if n.attributes.int("batch_dims").unwrap_or(0) != 0 {
                return Err(Refusal::new("batches of places"));
            }
            let places = places_nd(data, index)?;
            let (&depth, lead) = index.dims().split_last().ok_or_else(|| Refusal::new("no places"))?;
            Ok((places, [lead, &data[depth..]].concat()))
        }
    }
}

fn listed_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let (places, dims) = listed(i.net, i.node)?;
    match i.constant(0) {
        Some(t) => {
            let flat = reshaped(t, &[t.len()])?;
            Ok(vec![Given::Constant(reshaped(&selected(&flat, 0, &places), &dims)?)])
        }
        None => super::live(i, dims),
    }
}

fn pick_listed(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let (places, _) = listed(l.net, n)?;
    let x = l.read_sized(n, 0)?;
    let all = l.dims(x)?.iter().product();
    let flat = l.reshaped(x, &[all])?;
    let y = picked(l, flat, 0, &places)?;
    l.give(n, 0, y)
}
