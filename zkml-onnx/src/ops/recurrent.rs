//! Recurrent cells, step by step: LSTM, GRU and the plain one, in one direction or in both.

use super::elementwise::times;
use super::linear::dense;
use super::views::picked;
use super::{Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Attribute, Attributes, Node};
use crate::program::{Arg, Ref};
use crate::tensor::{Kind, Tensor};
use ndarray::{s, Array1, ArrayD, Axis, Ix2};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["LSTM"], infer: |i| shape(i, 3), lift: |l, n| unrolled(l, n, Cell::Lstm) },
    Op { names: &["GRU"], infer: |i| shape(i, 2), lift: gru },
    Op { names: &["RNN"], infer: |i| shape(i, 2), lift: rnn },
];

#[derive(Clone, Copy)]
enum Cell {
    /// Hochreiter and Schmidhuber, 1997.
    Lstm,
    /// Cho et al., 2014; PyTorch applies the reset gate to the product with the state.
    Gru { reset_after: bool },
    /// Elman, 1990.
    Plain { function: &'static str },
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru { .. } => 3,
            Self::Plain { .. } => 1,
        }
    }
}

/// The directions that a node has, each by whether it reads backwards.
fn directions(at: &Attributes) -> Result<&'static [bool], Refusal> {
    match at.text("direction").unwrap_or("forward") {
        "forward" => Ok(&[false]),
        "reverse" => Ok(&[true]),
        "bidirectional" => Ok(&[false, true]),
        other => Err(Refusal::new(format!("direction {other}"))),
    }
}

/// Of the outputs: all steps' `[length, directions, batch, width]`, and `states` of `[directions, batch, width]`.
fn shape(i: &Inference, outputs: usize) -> Result<Vec<Given>, Refusal> {
    let (&[t, b, _], Some(h)) = (i.dims(0)?, i.node.attributes.int("hidden_size")) else {
        return Err(Refusal::new("no sequence of `[length, batch, width]`"));
    };
    let at = &i.node.attributes;
    let d = directions(at)?.len();
    if at.flag("layout", false) || at.0.contains_key("clip") || at.flag("input_forget", false) {
        return Err(Refusal::new("a cell that clips, couples its gates or has the batch first"));
    }
    if i.optional(7).is_some() {
        return Err(Refusal::new("peepholes"));
    }
    let lengths = i.constant(4).and_then(Tensor::uniform);
    if i.optional(4).is_some() && lengths != Some(t as f32) {
        return Err(Refusal::new("sequences of unlike lengths").help("give them one length"));
    }
    let h = h.max(1) as usize;
    let state = || vec![d, b, h];
    let dims = [vec![t, d, b, h], state(), state()];
    Ok(dims.into_iter().take(outputs).map(|dims| Given::Live(Kind::Float, dims)).collect())
}

/// The functions of the gates, if they are these in each direction.
fn functions(at: &Attributes, usual: &[&str]) -> Result<(), Refusal> {
    let Some(Attribute::Texts(given)) = at.0.get("activations") else { return Ok(()) };
    let same = given.iter().zip(usual.iter().cycle()).all(|(a, b)| a.eq_ignore_ascii_case(b));
    match same {
        true => Ok(()),
        false => Err(Refusal::new(format!("gates of {given:?}")).help(format!("{usual:?} are supported"))),
    }
}

fn gru(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    functions(&n.attributes, &["Sigmoid", "Tanh"])?;
    unrolled(l, n, Cell::Gru { reset_after: n.attributes.flag("linear_before_reset", false) })
}

fn rnn(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let function = match functions(&n.attributes, &["Relu"]) {
        Ok(()) if n.attributes.0.contains_key("activations") => "relu",
        _ => functions(&n.attributes, &["Tanh"]).map(|()| "tanh")?,
    };
    unrolled(l, n, Cell::Plain { function })
}

/// Weights of one direction: `[gates * width, ..]`, biases of the input's and of the state's side.
struct Weights {
    input: ArrayD<f32>,
    state: ArrayD<f32>,
    bias: Option<[Array1<f32>; 2]>,
}

impl Weights {
    fn of(l: &Lift, n: &Node, direction: usize) -> Result<Self, Refusal> {
        let constant = |i: usize| -> Result<Option<ArrayD<f32>>, Refusal> {
            let Some(v) = n.input(i) else { return Ok(None) };
            let tensor = l.constant(v).ok_or_else(|| Refusal::new("weights that are computed"))?;
            Ok(Some(tensor.to_float().index_axis_move(Axis(0), direction)))
        };
        let need = |t: Option<ArrayD<f32>>| t.ok_or_else(|| Refusal::new("no weights"));
        let bias = constant(3)?.map(|b| {
            let half = b.len() / 2;
            [0, half].map(|from| b.iter().skip(from).take(half).copied().collect())
        });
        Ok(Self { input: need(constant(1)?)?, state: need(constant(2)?)?, bias })
    }

    /// Those of some of the gates.
    fn gates(&self, rows: std::ops::Range<usize>) -> Self {
        let matrix = |a: &ArrayD<f32>| {
            let a = a.view().into_dimensionality::<Ix2>().expect("a matrix");
            a.slice(s![rows.clone(), ..]).to_owned().into_dyn()
        };
        let vector = |a: &Array1<f32>| a.slice(s![rows.clone()]).to_owned();
        Self {
            input: matrix(&self.input),
            state: matrix(&self.state),
            bias: self.bias.as_ref().map(|b| b.each_ref().map(vector)),
        }
    }

    /// `W x + R h + b`, without what is not there.
    fn apply(&self, l: &mut Lift, x: Ref, h: Option<Ref>) -> Result<Ref, Refusal> {
        let gates = dense(l, x, "", &self.input, Layout::OutIn, None)?;
        let gates = plus(l, gates, self.bias.as_ref().map(|[b, c]| b + c))?;
        let Some(h) = h else { return Ok(gates) };
        let from_h = dense(l, h, "", &self.state, Layout::OutIn, None)?;
        sum(l, gates, from_h)
    }
}

fn plus(l: &mut Lift, x: Ref, bias: Option<Array1<f32>>) -> Result<Ref, Refusal> {
    let Some(bias) = bias.filter(|b| b.iter().any(|&v| v != 0.0)) else { return Ok(x) };
    let b = l.weight("", "bias", &bias.into_dyn(), Elem::I24, Layout::InOut)?;
    l.call("add").of([x, b])
}

/// Of two accumulators.
fn sum(l: &mut Lift, a: Ref, b: Ref) -> Result<Ref, Refusal> {
    let sums = l.widths.sums;
    let (a, b) = (l.sized(a, &[sums])?, l.sized(b, &[sums])?);
    l.call("add").of([a, b])
}

/// A gate's share of x. A gate is at most 1, so the product is no larger than x: the least window holds it, and leaves the rescale
/// the most digits, which a result needs that has a sum's step.
fn gated(l: &mut Lift, gate: Ref, x: Ref, to: Elem) -> Result<Ref, Refusal> {
    let act = l.widths.activations;
    let (gate, x) = (l.sized(gate, &[act])?, l.sized(x, &[act])?);
    let product = times(l, gate, x)?;
    l.in_one_cell(product, to)
}

/// One gate after its function.
fn gate(l: &mut Lift, gates: Ref, k: usize, function: &'static str) -> Result<Ref, Refusal> {
    let width = l.dims(gates)?[1] / 4;
    let range = Arg::Range((k * width) as i64, ((k + 1) * width) as i64);
    let part = l.call("slice").arg("axis", Arg::Int(1)).arg("range", range).of([gates])?;
    l.call(function).of([part])
}

/// `i, o, f, g`; `c' = sigmoid(f) c + sigmoid(i) tanh(g)`; `h' = sigmoid(o) tanh(c')`.
fn lstm_step(l: &mut Lift, w: &Weights, x: Ref, [h, c]: [Option<Ref>; 2]) -> Result<[Ref; 2], Refusal> {
    let (act, sums) = (l.widths.activations, l.widths.sums);
    let gates = w.apply(l, x, h)?;
    let gates = l.sized(gates, &[act])?;
    let (i, o) = (gate(l, gates, 0, "sigmoid")?, gate(l, gates, 1, "sigmoid")?);
    let (f, g) = (gate(l, gates, 2, "sigmoid")?, gate(l, gates, 3, "tanh")?);
    let new = gated(l, i, g, sums)?;
    let cell = match c {
        None => new,
        Some(c) => {
            let kept = gated(l, f, c, sums)?;
            let sum = l.call("add").of([kept, new])?;
            l.sized(sum, &[sums])?
        }
    };
    let inner = l.call("tanh").of([cell])?;
    Ok([gated(l, o, inner, act)?, cell])
}

/// `z, r, g`; `h' = (1 - sigmoid(z)) tanh(g) + sigmoid(z) h`, where `1 - sigmoid(z) = sigmoid(-z)`.
fn gru_step(l: &mut Lift, w: &Weights, x: Ref, h: Option<Ref>, reset_after: bool) -> Result<Ref, Refusal> {
    let act = l.widths.activations;
    let width = w.state.shape()[1];
    let [update, reset, new] = [0, 1, 2].map(|k| w.gates(k * width..(k + 1) * width));
    let sized = |l: &mut Lift, w: &Weights, h: Option<Ref>| {
        let gate = w.apply(l, x, h)?;
        l.sized(gate, &[act])
    };
    let z = sized(l, &update, h)?;
    let minus = l.call("neg").of([z])?;
    let minus = l.sized(minus, &[act])?;
    let fresh = l.call("sigmoid").of([minus])?;
    let bias_after = new.bias.as_ref().filter(|_| reset_after).map(|[_, c]| c.clone());
    let inner = match (h, bias_after) {
        (None, None) => sized(l, &new, None)?,
        (h, after) => {
            let r = sized(l, &reset, h)?;
            let r = l.call("sigmoid").of([r])?;
            let from_x = dense(l, x, "", &new.input, Layout::OutIn, None)?;
            let own = new.bias.as_ref().map(|[b, c]| if reset_after { b.clone() } else { b + c });
            let from_x = plus(l, from_x, own)?;
            let from_h = match (h, after) {
                (Some(h), after) if reset_after => {
                    let product = dense(l, h, "", &new.state, Layout::OutIn, None)?;
                    let product = plus(l, product, after)?;
                    gated(l, r, product, l.widths.sums)?
                }
                (Some(h), _) => {
                    let h = gated(l, r, h, act)?;
                    dense(l, h, "", &new.state, Layout::OutIn, None)?
                }
                (None, after) => {
                    let bias = after.expect("matched").into_dyn();
                    let bias = l.weight("", "bias", &bias, Elem::I12, Layout::InOut)?;
                    gated(l, r, bias, l.widths.sums)?
                }
            };
            let all = sum(l, from_x, from_h)?;
            l.sized(all, &[act])?
        }
    };
    let inner = l.call("tanh").of([inner])?;
    let Some(h) = h else { return gated(l, fresh, inner, act) };
    let kept = l.call("sigmoid").of([z])?;
    let (new, old) = (gated(l, fresh, inner, l.widths.sums)?, gated(l, kept, h, l.widths.sums)?);
    let sum = l.call("add").of([new, old])?;
    l.in_one_cell(sum, act)
}

fn unrolled(l: &mut Lift, n: &Node, cell: Cell) -> Result<(), Refusal> {
    if let Cell::Lstm = cell {
        functions(&n.attributes, &["Sigmoid", "Tanh", "Tanh"])?;
    }
    let xv = l.input(n, 0)?;
    let &[steps, batch, width] = l.net.dims(xv) else { return Err(Refusal::new("no sequence")) };
    let x = l.read_sized(n, 0)?;
    // By direction; outputs by step too.
    let (mut outputs, mut last, mut cells) = (vec![vec![]; steps], vec![], vec![]);
    for (d, &backwards) in directions(&n.attributes)?.iter().enumerate() {
        let weights = Weights::of(l, n, d)?;
        let hidden = weights.state.shape()[1];
        if weights.input.shape() != [cell.gates() * hidden, width] {
            return Err(Refusal::new(format!("weights {:?} for an input of {width}", weights.input.shape())));
        }
        let (mut h, mut c) = (state(l, n, 5, d, hidden)?, None);
        if let Cell::Lstm = cell {
            c = state(l, n, 6, d, hidden)?;
        }
        let order: Vec<usize> = if backwards { (0..steps).rev().collect() } else { (0..steps).collect() };
        for t in order {
            let row = picked(l, x, 0, &[t])?;
            let row = l.reshaped(row, &[batch, width])?;
            let next = match cell {
                Cell::Lstm => {
                    let [h, new] = lstm_step(l, &weights, row, [h, c])?;
                    c = Some(new);
                    h
                }
                Cell::Gru { reset_after } => gru_step(l, &weights, row, h, reset_after)?,
                Cell::Plain { function } => {
                    let sum = weights.apply(l, row, h)?;
                    let sum = l.sized(sum, &[l.widths.activations])?;
                    let y = l.call(function).of([sum])?;
                    l.in_one_cell(y, l.widths.activations)?
                }
            };
            h = Some(next);
            outputs[t].push(next);
        }
        last.push(h.ok_or_else(|| Refusal::new("an empty sequence"))?);
        cells.extend(c);
    }
    if n.outputs.first().is_some_and(|&v| l.net.uses()[v] > 0) {
        let step = |l: &mut Lift, parts: Vec<Ref>| joined(l, parts, &[1, 1], 1);
        let all: Vec<Ref> = outputs.into_iter().map(|parts| step(l, parts)).collect::<Result<_, _>>()?;
        let y = concat(l, all, 0)?;
        l.give(n, 0, y)?;
    }
    for (k, parts) in [(1, last), (2, cells)] {
        if !parts.is_empty() && n.outputs.get(k).is_some_and(|&v| l.net.uses()[v] > 0) {
            let state = joined(l, parts, &[1], 0)?;
            l.give(n, k, state)?;
        }
    }
    Ok(())
}

/// The state that a direction begins with; none where it is zero.
fn state(l: &mut Lift, n: &Node, i: usize, direction: usize, hidden: usize) -> Result<Option<Ref>, Refusal> {
    let Some(v) = n.input(i) else { return Ok(None) };
    if l.constant(v).and_then(Tensor::uniform) == Some(0.0) {
        return Ok(None);
    }
    let all = l.get(v)?;
    let all = l.any_size(all)?;
    let own = picked(l, all, 0, &[direction])?;
    let batch = l.dims(own)?.iter().product::<usize>() / hidden;
    l.reshaped(own, &[batch, hidden]).map(Some)
}

/// Directions side by side, behind axes of extent one.
fn joined(l: &mut Lift, parts: Vec<Ref>, lead: &[usize], axis: usize) -> Result<Ref, Refusal> {
    let mut shaped = vec![];
    for part in parts {
        let dims = [lead, &l.dims(part)?].concat();
        shaped.push(l.reshaped(part, &dims)?);
    }
    concat(l, shaped, axis)
}

fn concat(l: &mut Lift, parts: Vec<Ref>, axis: usize) -> Result<Ref, Refusal> {
    match parts.len() {
        1 => Ok(parts[0]),
        _ => {
            let elem = l.elem(parts[0])?;
            let parts = parts.into_iter().map(|p| l.in_one_cell(p, elem)).collect::<Result<Vec<_>, _>>()?;
            l.call("concat").arg("axis", Arg::Int(axis as i64)).of(parts)
        }
    }
}
