//! Normalisations.

use super::{axis, like_first, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Node, ValueId};
use crate::program::{Arg, Ref};
use crate::tensor::Tensor;
use ndarray::{ArrayD, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["BatchNormalization"], infer: like_first, lift: batch_norm },
    Op {
        names: &["LayerNormalization"],
        infer: layer_norm_shape,
        lift: |l, n| over_last(l, n, "layer_norm"),
    },
    Op {
        names: &["RMSNormalization", "SimplifiedLayerNormalization"],
        infer: layer_norm_shape,
        lift: |l, n| over_last(l, n, "rms_norm"),
    },
    Op { names: &["InstanceNormalization"], infer: like_first, lift: |l, n| over_groups(l, n, None) },
    Op {
        names: &["GroupNormalization"],
        infer: like_first,
        lift: |l, n| over_groups(l, n, n.attributes.int("num_groups")),
    },
];

/// The inference form of a batch norm: `x * scale + shift` for each channel.
pub(crate) fn batch_norm_terms(
    node: &Node,
    constant: impl Fn(ValueId) -> Option<Tensor>,
) -> Result<[Vec<f32>; 2], Refusal> {
    if node.attributes.flag("training_mode", false) {
        return Err(Refusal::new("a batch norm in training").help("export the model in evaluation mode"));
    }
    let vector = |i: usize| {
        let v =
            node.input(i).and_then(&constant).ok_or_else(|| Refusal::new("statistics that are computed"))?;
        Ok::<_, Refusal>(v.float_values())
    };
    let [gamma, beta, mean, var] = [vector(1)?, vector(2)?, vector(3)?, vector(4)?];
    let epsilon = node.attributes.float("epsilon").unwrap_or(1e-5);
    let scale: Vec<f32> = gamma.iter().zip(&var).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
    let shift = beta.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
    Ok([scale, shift])
}

fn batch_norm(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [scale, shift] = batch_norm_terms(n, |v| l.constant(v).cloned())?;
    let v = l.input(n, 0)?;
    let dims = l.zk_dims(v);
    let x = l.read_narrow(n, 0)?;
    let (c, tail) = (scale.len(), dims.len().saturating_sub(2));
    let array =
        |values: Vec<f32>, dims: &[usize]| ArrayD::from_shape_vec(IxDyn(dims), values).expect("channels");
    let y = match dims.len() {
        3 | 4 => {
            let scale = l.weight("", "scale", &array(scale, &[c]), Elem::I12, Layout::InOut)?;
            let shift = l.weight("", "shift", &array(shift, &[c]), Elem::I24, Layout::InOut)?;
            // `[N, C, L]` would be read as `[C, H, W]`.
            let x4 = if dims.len() == 3 { l.reshaped(x, &[dims[0], dims[1], 1, dims[2]])? } else { x };
            let y = l.call("batch_norm").of([x4, scale, shift])?;
            if dims.len() == 3 {
                l.sized(y, &[l.widths.activations])?
            } else {
                y
            }
        }
        _ => {
            let shape = [&[c][..], &vec![1; tail]].concat();
            let scale = l.weight("", "scale", &array(scale, &shape), Elem::I12, Layout::InOut)?;
            let shift = l.weight("", "shift", &array(shift, &shape), Elem::I24, Layout::InOut)?;
            let y = l.call("mul").of([x, scale])?;
            l.call("add").of([y, shift])?
        }
    };
    l.give(n, 0, y)
}

fn layer_norm_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    if i.outputs > 1 {
        return Err(Refusal::new("mean and deviation as outputs"));
    }
    like_first(i)
}

/// Rows of at most 4096 entries, normalised, times a gain, plus a bias.
fn over_last(l: &mut Lift, n: &Node, op: &'static str) -> Result<(), Refusal> {
    let v = l.input(n, 0)?;
    let dims = l.zk_dims(v);
    let at = axis(n.attributes.int("axis").unwrap_or(-1), dims.len())?;
    let x = normed_operand(l, n)?;
    let d: usize = dims[at..].iter().product();
    let rows = [&dims[..at], &[d]].concat();
    let x = l.reshaped(x, &rows)?;
    let mut y = normalised(l, op, x, n.attributes.float("epsilon").unwrap_or(1e-5))?;
    let flat = |t: &Tensor| -> ArrayD<f32> {
        ArrayD::from_shape_vec(IxDyn(&[t.len()]), t.float_values()).expect("a vector")
    };
    for (i, role) in [(1, "weight"), (2, "bias")] {
        let Some(p) = n.input(i) else { continue };
        let t = l.constant(p).ok_or_else(|| Refusal::new(format!("a {role} that is computed")))?;
        if t.uniform() == Some(if i == 1 { 1.0 } else { 0.0 }) {
            continue;
        }
        let (name, values) = (l.net.values[p].name.clone(), flat(t));
        y = match i {
            1 => {
                let gain = l.weight(&name, role, &values, Elem::I12, Layout::InOut)?;
                l.call("mul").of([y, gain])?
            }
            _ => {
                let bias = l.weight(&name, role, &values, Elem::I24, Layout::InOut)?;
                l.call("add").of([y, bias])?
            }
        };
    }
    l.give(n, 0, y)
}

fn normed_operand(l: &mut Lift, n: &Node) -> Result<Ref, Refusal> {
    let sums = l.widths.sums;
    l.read_as(n, 0, &[sums, Elem::I8, Elem::I12, Elem::I16])
}

pub(super) fn normalised(l: &mut Lift, op: &'static str, x: Ref, epsilon: f32) -> Result<Ref, Refusal> {
    let fraction = if l.elem(x)? == Elem::I16 { 9 } else { 7 };
    // The text of an f32, not all digits of its double.
    let epsilon: f64 = epsilon.to_string().parse().unwrap_or(1e-5);
    l.call(op)
        .arg("epsilon", Arg::Real(epsilon))
        .arg_if(fraction != 7, "fraction", Arg::Int(fraction))
        .of([x])
}

/// Of each channel, or of groups of them.
fn over_groups(l: &mut Lift, n: &Node, groups: Option<i64>) -> Result<(), Refusal> {
    let v = l.input(n, 0)?;
    let dims = l.zk_dims(v);
    if dims.len() < 3 {
        return Err(Refusal::new(format!("channels of {dims:?}")));
    }
    let (channels, area) = (dims[1], dims[2..].iter().product::<usize>());
    let groups = groups.map_or(channels, |g| g.max(1) as usize);
    let x = normed_operand(l, n)?;
    let x = l.reshaped(x, &[dims[0], groups, channels / groups * area])?;
    let y = normalised(l, "layer_norm", x, n.attributes.float("epsilon").unwrap_or(1e-5))?;
    let y = l.reshaped(y, &[dims[0], channels, area])?;
    let vector = |l: &Lift, i: usize| -> Result<(String, ArrayD<f32>), Refusal> {
        let p = n.input(i).ok_or_else(|| Refusal::new("no scale or bias"))?;
        let t = l.constant(p).ok_or_else(|| Refusal::new("a scale that is computed"))?;
        let given = t.float_values();
        // Before opset 21 there is one for each group.
        let each = channels / given.len().max(1);
        let values: Vec<f32> = given.iter().flat_map(|&v| std::iter::repeat_n(v, each)).collect();
        let array =
            ArrayD::from_shape_vec(IxDyn(&[channels, 1]), values).map_err(|e| Refusal::new(e.to_string()))?;
        Ok((l.net.values[p].name.clone(), array))
    };
    let (name, gain) = vector(l, 1)?;
    let gain = l.weight(&name, "weight", &gain, Elem::I12, Layout::InOut)?;
    let (name, bias) = vector(l, 2)?;
    let bias = l.weight(&name, "bias", &bias, Elem::I24, Layout::InOut)?;
    let y = l.call("mul").of([y, gain])?;
    let y = l.call("add").of([y, bias])?;
    let act = l.widths.sums;
    let y = if dims.len() == 3 { y } else { l.sized(y, &[act])? };
    l.give(n, 0, y)
}
