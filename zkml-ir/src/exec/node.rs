//! One node of the graph on integers.

use super::{kernel, layout, RunError};
use crate::elem::Interval;
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::quantize::Quantize;
use crate::lower::{activation, attention, fused_activations, io, layer_norm, softmax};
use crate::plan::Constant;
use crate::shape::Shape;
use crate::tensor::{Data, IntTensor};
use std::borrow::Cow;

/// The integers of a node.
pub(crate) enum Val<'a> {
    Borrowed(&'a IntTensor),
    Owned(Vec<i32>),
}

impl Val<'_> {
    pub fn ints(&self) -> Cow<'_, [i32]> {
        match self {
            Val::Borrowed(t) => match t.data() {
                Data::I32(v) => Cow::Borrowed(v),
                _ => Cow::Owned(t.to_vec()),
            },
            Val::Owned(v) => Cow::Borrowed(v),
        }
    }

    pub fn to_vec(&self) -> Vec<i32> {
        self.ints().into_owned()
    }
}

pub(crate) struct Machine<'a> {
    pub graph: &'a Graph,
    params: &'a Params,
    weights: &'a [IntTensor],
    inputs: &'a [IntTensor],
    /// Until the last use.
    pub values: Vec<Option<Val<'a>>>,
    uses: Vec<usize>,
    fused: Vec<bool>,
}

impl<'a> Machine<'a> {
    pub fn new(
        graph: &'a Graph,
        params: &'a Params,
        weights: &'a [IntTensor],
        inputs: &'a [IntTensor],
    ) -> Self {
        let values = graph.nodes.iter().map(|_| None).collect();
        let (uses, fused) = (graph.use_counts(), fused_activations(graph));
        Self { graph, params, weights, inputs, values, uses, fused }
    }

    fn arg(&self, id: NodeId, i: usize) -> Cow<'_, [i32]> {
        self.values[self.graph.nodes[id].args[i]].as_ref().map_or(Cow::Borrowed(&[]), Val::ints)
    }

    fn shape(&self, id: NodeId, i: usize) -> &Shape {
        &self.graph.ty(self.graph.nodes[id].args[i]).shape
    }

    /// Computes a node; the committed cells in order of declaration, if wanted.
    pub fn step(&mut self, id: NodeId, cells: bool) -> Result<Vec<Vec<i32>>, RunError> {
        let (value, cells) = self.eval(id, cells)?;
        self.values[id] = Some(value);
        for &a in &self.graph.nodes[id].args {
            self.uses[a] -= 1;
            if self.uses[a] == 0 {
                self.values[a] = None;
            }
        }
        Ok(cells)
    }

    fn eval(&self, id: NodeId, cells: bool) -> Result<(Val<'a>, Vec<Vec<i32>>), RunError> {
        let node = &self.graph.nodes[id];
        let out = &node.ty.shape;
        let virtual_ = |v: Vec<i32>| Ok((Val::Owned(v), vec![]));
        // An op whose only committed cell, if there is one, is its value.
        let stored = |v: Vec<i32>| {
            let own = if cells { vec![v.clone()] } else { vec![] };
            Ok((Val::Owned(v), own))
        };
        let zip = |f: fn(i32, i32) -> i32| {
            let (x, y) = (self.arg(id, 0), self.arg(id, 1));
            virtual_(layout::zip(&x, self.shape(id, 0), &y, self.shape(id, 1), out, f))
        };
        let map = |f: &dyn Fn(i32) -> i32| virtual_(self.arg(id, 0).iter().map(|&x| f(x)).collect());
        match &node.op {
            Op::Input(i) => {
                let t = &self.inputs[*i];
                let own = match cells && self.graph.inputs[*i].private {
                    true => io::bounded_cells(node.ty.interval, &t.to_vec()),
                    false => vec![],
                };
                Ok((Val::Borrowed(t), own))
            }
            Op::Weight(i) => Ok((Val::Borrowed(&self.weights[*i]), vec![])),
            Op::MatMul => {
                let operand = |i: usize| {
                    let arg = node.args[i];
                    let val = self.values[arg].as_ref();
                    kernel::Operand {
                        val,
                        shape: &self.graph.ty(arg).shape,
                        range: self.graph.ty(arg).interval,
                    }
                };
                virtual_(kernel::matmul(operand(0), operand(1)))
            }
            // Intervals keep every sum and product of the model inside i32.
            Op::Add => zip(|x, y| x.wrapping_add(y)),
            Op::Sub => zip(|x, y| x.wrapping_sub(y)),
            Op::Mul => zip(|x, y| x.wrapping_mul(y)),
            Op::Neg => map(&|x| x.wrapping_neg()),
            Op::MulInt(c) => map(&|x| (x as i64).wrapping_mul(*c) as i32),
            Op::MulReal(_) => map(&|x| x),
            Op::Quantize { window, .. } => {
                let spec = Quantize::new(self.graph, self.params, id, self.fused[id])?;
                let acc = self.arg(id, 0);
                let got = spec.eval(&acc).map_err(|index| RunError::Window {
                    name: node.name.clone(),
                    index,
                    value: acc[index] as i64,
                    window: *window,
                })?;
                Ok((Val::Owned(got.y), got.cells))
            }
            Op::Relu | Op::Gelu | Op::Exp => {
                let table = activation::table(self.graph, self.params, id, false)?;
                stored(activation::eval(&table, &self.arg(id, 0)))
            }
            Op::Transpose { perm } => virtual_(layout::transpose(&self.arg(id, 0), self.shape(id, 0), perm)),
            Op::Reshape => stored(self.arg(id, 0).into_owned()),
            Op::Slice { axis, start, end } => {
                let x = self.arg(id, 0);
                stored(layout::slice(&x, self.shape(id, 0), *axis, *start, *end))
            }
            Op::Concat { axis } => {
                let args: Vec<_> = (0..node.args.len()).map(|i| self.arg(id, i)).collect();
                let parts: Vec<_> =
                    args.iter().enumerate().map(|(i, x)| (&x[..], self.shape(id, i))).collect();
                stored(layout::concat(&parts, *axis, out))
            }
            Op::Softmax { .. } => {
                let spec = softmax::Softmax::new(self.graph, self.params, id)?;
                let rows = spec.rows.eval(&self.arg(id, 0), None).map_err(|row| self.all_masked(id, row))?;
                let (own, p) = spec.eval(&rows);
                Ok((Val::Owned(p), [rows.max, rows.e, rows.z].into_iter().chain(own).collect()))
            }
            Op::AttentionCore { fraction, .. } => {
                let spec = attention::spec(self.graph, self.params, id)?;
                let mask = (node.args.len() > 2).then(|| self.arg(id, 2));
                if let Some((index, &value)) =
                    mask.as_ref().and_then(|m| m.iter().enumerate().find(|(_, k)| !(0..=1).contains(*k)))
                {
                    let (name, range) = (self.graph.nodes[node.args[2]].name.clone(), Interval::new(0, 1));
                    return Err(RunError::Range { name, index, value: value as i64, range });
                }
                let rows =
                    spec.eval(&self.arg(id, 0), mask.as_deref()).map_err(|row| self.all_masked(id, row))?;
                let width = out.dims().last().copied().unwrap_or(1);
                let [o, t0, t1, u1] = attention::eval(&spec, *fraction, &rows, &self.arg(id, 1), width);
                let own = vec![rows.max, rows.e, rows.z, rows.sum, o.clone(), t0, t1, u1];
                Ok((Val::Owned(o), own))
            }
            Op::LayerNorm { .. } => {
                let spec = layer_norm::LayerNorm::new(self.graph, self.params, id)?;
                let (own, n) = spec.eval(&self.arg(id, 0));
                Ok((Val::Owned(n), own))
            }
        }
    }

    fn all_masked(&self, id: NodeId, row: usize) -> RunError {
        RunError::AllMasked { name: self.graph.nodes[id].name.clone(), row }
    }
}

/// The first value outside `range`, fast where the storage cannot hold one.
pub(crate) fn first_outside(t: &IntTensor, range: Interval) -> Option<(usize, i64)> {
    let storage = match t.data() {
        Data::I8(_) => Interval::new(-128, 127),
        Data::I16(_) => Interval::new(-32768, 32767),
        Data::I32(_) => Interval::new(i32::MIN as i64, i32::MAX as i64),
    };
    match range.contains_interval(storage) {
        true => None,
        false => t.first_outside(range),
    }
}

/// A constant's values, row-major.
pub(crate) fn constant(c: &Constant, len: usize) -> Vec<i32> {
    match c {
        Constant::CausalMask => {
            let n = len.isqrt();
            (0..len).map(|i| (i % n <= i / n) as i32).collect()
        }
        Constant::OneHot { columns, index } => {
            let mut v = vec![0; index.len() * columns];
            index.iter().enumerate().for_each(|(row, &i)| v[row * columns + i as usize] = 1);
            v
        }
        Constant::Dense(v) => v.clone(),
    }
}
