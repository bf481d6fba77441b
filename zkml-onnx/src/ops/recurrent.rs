//! Recurrent cells, step by step.

use super::views::picked;
use super::{Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::Node;
use crate::ops::elementwise::times;
use crate::program::{Arg, Ref};
use crate::tensor::{Kind, Tensor};
use ndarray::{ArrayD, Axis, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[Op { names: &["LSTM"], infer: shape, lift: lstm }];

fn shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let (&[t, b, _], Some(h)) = (i.dims(0)?, i.node.attributes.int("hidden_size")) else {
        return Err(Refusal::new("no sequence of `[length, batch, width]`"));
    };
    let at = &i.node.attributes;
    if at.text("direction").unwrap_or("forward") != "forward" {
        return Err(
            Refusal::new(format!("direction {}", at.text("direction").unwrap_or_default())).help("`forward`")
        );
    }
    if at.flag("layout", false)
        || at.0.contains_key("activations")
        || at.0.contains_key("clip")
        || at.flag("input_forget", false)
    {
        return Err(Refusal::new("a cell with other functions than sigmoid and tanh, or another layout"));
    }
    if i.optional(7).is_some() {
        return Err(Refusal::new("peepholes"));
    }
    let h = h.max(1) as usize;
    let state = vec![1, b, h];
    Ok([vec![t, 1, b, h], state.clone(), state].map(|dims| Given::Live(Kind::Float, dims)).into())
}

/// `i, o, f, g = W x + R h + b`; `c = sigmoid(f) c + sigmoid(i) tanh(g)`; `h = sigmoid(o) tanh(c)` (Hochreiter and Schmidhuber,
/// 1997, in ONNX's order of gates).
fn lstm(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let constant = |l: &Lift, i: usize| -> Result<Option<ArrayD<f32>>, Refusal> {
        match n.input(i) {
            None => Ok(None),
            Some(v) => l
                .constant(v)
                .map(|t| Some(t.to_float()))
                .ok_or_else(|| Refusal::new("weights that are computed")),
        }
    };
    let need = |t: Option<ArrayD<f32>>| t.ok_or_else(|| Refusal::new("no weights"));
    let (w, r) = (need(constant(l, 1)?)?, need(constant(l, 2)?)?);
    let (w, r) = (w.index_axis_move(Axis(0), 0), r.index_axis_move(Axis(0), 0));
    let bias = constant(l, 3)?.map(|b| {
        let b = b.index_axis_move(Axis(0), 0);
        let half = b.len() / 2;
        let sum: Vec<f32> = (0..half).map(|k| b[[k]] + b[[half + k]]).collect();
        ArrayD::from_shape_vec(IxDyn(&[half]), sum).expect("a vector")
    });
    let xv = l.input(n, 0)?;
    let &[steps, batch, width] = l.net.dims(xv) else { return Err(Refusal::new("no sequence")) };
    let hidden = r.shape()[1];
    let x = l.read_sized(n, 0)?;
    let state = |l: &mut Lift, i: usize| -> Result<Option<Ref>, Refusal> {
        match n.input(i) {
            None => Ok(None),
            Some(v) if l.constant(v).and_then(Tensor::uniform) == Some(0.0) => Ok(None),
            Some(v) => {
                let s = l.get(v)?;
                let s = l.any_size(s)?;
                Ok(Some(l.reshaped(s, &[batch, hidden])?))
            }
        }
    };
    let (mut h, mut c) = (state(l, 5)?, state(l, 6)?);
    let (act, sums) = (l.widths.activations, l.widths.sums);
    let mut all = vec![];
    for t in 0..steps {
        let row = picked(l, x, 0, &[t])?;
        let row = l.reshaped(row, &[batch, width])?;
        let mut gates = super::linear::dense(l, row, "", &w, Layout::OutIn, None)?;
        if let Some(bias) = &bias {
            let b = l.weight("", "bias", bias, Elem::I24, Layout::InOut)?;
            gates = l.call("add").of([gates, b])?;
        }
        if let Some(h) = h {
            let from_h = recurrent(l, h, &r)?;
            let (a, b) = (l.sized(gates, &[sums])?, l.sized(from_h, &[sums])?);
            gates = l.call("add").of([a, b])?;
        }
        let gates = l.sized(gates, &[act])?;
        let part = |l: &mut Lift, k: usize, f: &'static str| -> Result<Ref, Refusal> {
            let range = Arg::Range((k * hidden) as i64, ((k + 1) * hidden) as i64);
            let part = l.call("slice").arg("axis", Arg::Int(1)).arg("range", range).of([gates])?;
            l.call(f).of([part])
        };
        let (i, o, f, g) =
            (part(l, 0, "sigmoid")?, part(l, 1, "sigmoid")?, part(l, 2, "sigmoid")?, part(l, 3, "tanh")?);
        let new = gated(l, i, g)?;
        let new = l.sized(new, &[sums])?;
        let cell = match c {
            None => new,
            Some(c) => {
                let kept = gated(l, f, c)?;
                let kept = l.sized(kept, &[sums])?;
                let sum = l.call("add").of([kept, new])?;
                l.sized(sum, &[sums])?
            }
        };
        let inner = l.sized(cell, &[sums])?;
        let inner = l.call("tanh").of([inner])?;
        let out = gated(l, o, inner)?;
        let out = l.sized(out, &[act])?;
        (h, c) = (Some(out), Some(cell));
        all.push(l.reshaped(out, &[1, 1, batch, hidden])?);
    }
    let (h, c) = (
        h.ok_or_else(|| Refusal::new("an empty sequence"))?,
        c.ok_or_else(|| Refusal::new("an empty sequence"))?,
    );
    if n.outputs.first().is_some_and(|&v| l.net.uses()[v] > 0) {
        let y = match all.len() {
            1 => all[0],
            _ => l.call("concat").arg("axis", Arg::Int(0)).of(all)?,
        };
        l.give(n, 0, y)?;
    }
    l.give(n, 1, h)?;
    l.give(n, 2, c)
}

/// The gate is I16 in `[0, 1]`: the other side has twelve bits.
fn gated(l: &mut Lift, gate: Ref, x: Ref) -> Result<Ref, Refusal> {
    let x = l.sized(x, &[l.widths.activations])?;
    times(l, gate, x)
}

fn recurrent(l: &mut Lift, h: Ref, r: &ArrayD<f32>) -> Result<Ref, Refusal> {
    super::linear::dense(l, h, "", r, Layout::OutIn, None)
}
