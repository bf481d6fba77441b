//! Shapes and constants: nothing of it is left in a model.

use super::evaluate::{bounded, stretched_tensor};
use super::{axis, broadcast, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Attribute, Node};
use crate::tensor::{Kind, Tensor};
use ndarray::{ArrayD, IxDyn};

pub const OPS: &[Op] = &[
    Op { names: &["Constant"], infer: constant, lift: never },
    Op { names: &["ConstantOfShape"], infer: constant_of_shape, lift: never },
    Op { names: &["Shape"], infer: shape, lift: never },
    Op { names: &["Size"], infer: |i| one(i.dims(0)?.iter().product::<usize>() as i64), lift: never },
    Op { names: &["Range"], infer: range, lift: never },
    Op { names: &["EyeLike"], infer: eye, lift: never },
    Op { names: &["Trilu"], infer: trilu_shape, lift: trilu },
    Op { names: &["Expand"], infer: expand_shape, lift: expand },
    Op { names: &["Tile"], infer: tile_shape, lift: tile },
    Op {
        names: &["CumSum"],
        infer: cumsum,
        lift: |_, _| Err(Refusal::new("a running sum of computed values")),
    },
];

fn never(_: &mut Lift, _: &Node) -> Result<(), Refusal> {
    Err(Refusal::new("a constant that depends on an input"))
}

fn one(v: i64) -> Result<Vec<Given>, Refusal> {
    Ok(vec![Given::Constant(Tensor::Int(ArrayD::from_elem(IxDyn(&[]), v)))])
}

fn constant(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let scalar_f = |v: f32| Tensor::Float(ArrayD::from_elem(IxDyn(&[]), v));
    let tensor = match i.node.attributes.0.iter().next() {
        Some((_, Attribute::Tensor(t))) => (**t).clone(),
        Some((_, Attribute::Float(v))) => scalar_f(*v),
        Some((_, Attribute::Int(v))) => return one(*v),
        Some((_, Attribute::Ints(v))) => Tensor::ints(v.iter().copied()),
        Some((_, Attribute::Floats(v))) => {
            Tensor::Float(ArrayD::from_shape_vec(IxDyn(&[v.len()]), v.clone()).expect("a vector"))
        }
        _ => return Err(Refusal::new("a constant that is no tensor of numbers")),
    };
    Ok(vec![Given::Constant(tensor)])
}

fn constant_of_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let dims = i.ints("shape", 0)?.ok_or_else(|| Refusal::new("no shape"))?;
    let dims: Vec<usize> = dims.iter().map(|&d| d.max(0) as usize).collect();
    bounded(&dims)?;
    let tensor = match i.node.attributes.0.get("value") {
        Some(Attribute::Tensor(t)) => {
            stretched_tensor(&super::evaluate::reshaped(t, &vec![1; dims.len()])?, &dims)?
        }
        _ => Tensor::Float(ArrayD::zeros(IxDyn(&dims))),
    };
    Ok(vec![Given::Constant(tensor)])
}

fn shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let dims = i.dims(0)?;
    let rank = dims.len() as i64;
    let place = |v: i64| (if v < 0 { v + rank } else { v }).clamp(0, rank) as usize;
    let at = &i.node.attributes;
    let (start, end) = (place(at.int("start").unwrap_or(0)), place(at.int("end").unwrap_or(rank)));
    let part = dims.get(start..end).unwrap_or_default();
    Ok(vec![Given::Constant(Tensor::ints(part.iter().map(|&d| d as i64)))])
}

fn range(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let all = i.constants().ok_or_else(|| Refusal::new("a range that depends on an input"))?;
    let [start, limit, delta] = all[..] else { return Err(Refusal::new("a range of three numbers")) };
    let tensor = match start {
        Tensor::Float(_) => {
            let [s, e, d] = [start, limit, delta].map(|t| t.uniform().unwrap_or(0.0));
            let n = if d == 0.0 { 0 } else { ((e - s) / d).ceil().max(0.0) as usize };
            bounded(&[n])?;
            let values = (0..n).map(|k| s + k as f32 * d).collect();
            Tensor::Float(ArrayD::from_shape_vec(IxDyn(&[n]), values).expect("a vector"))
        }
        _ => {
            let [s, e, d] = [start, limit, delta].map(|t| t.int_values().first().copied().unwrap_or(0));
            let n = if d == 0 { 0 } else { (e - s + d - d.signum()) / d };
            bounded(&[n.max(0) as usize])?;
            Tensor::ints((0..n.max(0)).map(|k| s + k * d))
        }
    };
    Ok(vec![Given::Constant(tensor)])
}

fn eye(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let &[n, m] = i.dims(0)? else { return Err(Refusal::new("no matrix")) };
    let k = i.node.attributes.int("k").unwrap_or(0);
    let mut a = ArrayD::zeros(IxDyn(&[n, m]));
    for r in 0..n {
        if let Ok(c) = usize::try_from(r as i64 + k) {
            if c < m {
                a[[r, c]] = 1.0f32;
            }
        }
    }
    let kind = i.node.attributes.int("dtype").map(|t| Kind::of(t as i32)).transpose();
    let kind = kind.map_err(|e| Refusal::new(e.to_string()))?.unwrap_or(i.kind(0)?);
    Ok(vec![Given::Constant(Tensor::Float(a).cast(kind))])
}

/// 1 where a triangular part stays.
fn triangle(i: &Inference) -> Result<ArrayD<f32>, Refusal> {
    let dims = i.dims(0)?;
    let &[.., rows, columns] = dims else { return Err(Refusal::new("no matrix")) };
    let k = match i.constant(1) {
        Some(t) => t.int_values().first().copied().unwrap_or(0),
        None => 0,
    };
    let upper = i.node.attributes.flag("upper", true);
    let keep = |r: usize, c: usize| {
        let d = c as i64 - r as i64;
        if upper {
            d >= k
        } else {
            d <= k
        }
    };
    let flags = (0..rows * columns).map(|p| keep(p / columns, p % columns) as u8 as f32).collect();
    Ok(ArrayD::from_shape_vec(IxDyn(&[rows, columns]), flags).expect("a matrix"))
}

fn trilu_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let keep = triangle(i)?;
    match i.constant(0) {
        None => super::like_first(i),
        Some(t) => {
            let kind = t.kind();
            let mut a = t.to_float();
            let keep = super::evaluate::stretched(&keep, a.shape())?;
            a.zip_mut_with(&keep, |v, &k| {
                if k == 0.0 {
                    *v = 0.0;
                }
            });
            Ok(vec![Given::Constant(Tensor::Float(a).cast(kind))])
        }
    }
}

fn trilu(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let keep = triangle(&Inference { node: n, net: l.net, outputs: 1 })?;
    let x = l.read_as(n, 0, &[l.widths.activations, zkml_dsl::Elem::I8, zkml_dsl::Elem::I16])?;
    let mask = l.weight("", "triangle", &keep, zkml_dsl::Elem::I8, zkml_dsl::builder::Layout::InOut)?;
    let y = l.call("mul").of([x, mask])?;
    l.give(n, 0, y)
}

fn expand_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let to = i.ints("shape", 1)?.ok_or_else(|| Refusal::new("no shape"))?;
    let to: Vec<usize> = to.iter().map(|&d| d.max(0) as usize).collect();
    let dims = broadcast(i.dims(0)?, &to)?;
    match i.constant(0) {
        Some(t) => Ok(vec![Given::Constant(stretched_tensor(t, &dims)?)]),
        None => Ok(vec![Given::Live(i.kind(0)?, dims)]),
    }
}

fn expand(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read(n, 0)?;
    let dims = l.zk_dims(n.output());
    let y = super::index::expanded(l, x, &dims)?;
    l.give(n, 0, y)
}

fn tile_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let repeats = i.ints("repeats", 1)?.ok_or_else(|| Refusal::new("no repeats"))?;
    let from = i.dims(0)?;
    let dims: Vec<usize> = from.iter().zip(&repeats).map(|(d, r)| d * (*r).max(0) as usize).collect();
    if let Some(t) = i.constant(0) {
        bounded(&dims)?;
        let tiled = (0..from.len()).fold(t.clone(), |t, k| {
            let index: Vec<usize> = (0..dims[k]).map(|p| p % from[k]).collect();
            super::evaluate::selected(&t, k, &index)
        });
        return Ok(vec![Given::Constant(tiled)]);
    }
    Ok(vec![Given::Live(i.kind(0)?, dims)])
}

fn tile(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let mut x = l.read_sized(n, 0)?;
    for (k, to) in l.zk_dims(n.output()).into_iter().enumerate() {
        let from = l.dims(x)?[k];
        let index: Vec<usize> = (0..to).map(|p| p % from).collect();
        x = super::views::picked(l, x, k, &index)?;
    }
    l.give(n, 0, x)
}

fn cumsum(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let Some(all) = i.constants() else { return super::like_first(i) };
    let at = axis(all[1].int_values().first().copied().unwrap_or(0), all[0].dims().len())?;
    if i.node.attributes.flag("exclusive", false) || i.node.attributes.flag("reverse", false) {
        return Err(Refusal::new("a running sum in another order"));
    }
    let kind = all[0].kind();
    let mut a = all[0].to_float();
    a.accumulate_axis_inplace(ndarray::Axis(at), |&before, v| *v += before);
    Ok(vec![Given::Constant(Tensor::Float(a).cast(kind))])
}
