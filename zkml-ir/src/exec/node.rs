//! One node of the graph on integers.

use super::{kernel, layout, RunError};
use crate::elem::Interval;
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::{fused_activations, LowerError};
use crate::plan::{Constant, Source, TensorDecl};
use crate::shape::Shape;
use crate::tensor::{Data, IntTensor};
use std::borrow::Cow;
use std::ops::Range;

/// The integers of a node.
pub(crate) enum Val<'a> {
    Borrowed(&'a IntTensor),
    /// The transpose of a matrix of weights, for the product that reads it where it lies.
    Turned(&'a IntTensor),
    /// A part of a weight, as narrow as it is stored.
    Part(IntTensor),
    Owned(Vec<i32>),
}

impl Val<'_> {
    pub fn ints(&self) -> Cow<'_, [i32]> {
        match self {
            Val::Borrowed(t) => whole(t),
            Val::Part(t) => whole(t),
            Val::Turned(t) => Cow::Owned(layout::transpose(&whole(t), t.shape(), &[1, 0])),
            Val::Owned(v) => Cow::Borrowed(v),
        }
    }

    /// Some of the integers, row-major, without a copy of all.
    pub fn part(&self, range: Range<usize>) -> Vec<i32> {
        match self {
            Val::Borrowed(t) => range.map(|i| t.get(i)).collect(),
            _ => self.ints()[range].to_vec(),
        }
    }

    /// The integers where they lie row-major in the storage of a tensor.
    pub fn stored(&self) -> Option<&Data> {
        match self {
            Val::Borrowed(t) => Some(t.data()),
            Val::Part(t) => Some(t.data()),
            Val::Turned(_) | Val::Owned(_) => None,
        }
    }

    pub fn to_vec(&self) -> Vec<i32> {
        self.ints().into_owned()
    }
}

fn whole(t: &IntTensor) -> Cow<'_, [i32]> {
    match t.data() {
        Data::I32(v) => Cow::Borrowed(v),
        _ => Cow::Owned(t.to_vec()),
    }
}

/// What an op computes.
pub(crate) struct Computed {
    pub value: Vec<i32>,
    /// Committed cells in order of declaration.
    pub cells: Vec<Vec<i32>>,
}

impl Computed {
    /// An op that commits nothing.
    pub fn virtual_(value: Vec<i32>) -> Self {
        Self { value, cells: vec![] }
    }

    /// An op whose only committed cell, if there is one, is its value.
    pub fn stored(value: Vec<i32>, commits: bool) -> Self {
        let cells = if commits { vec![value.clone()] } else { vec![] };
        Self { value, cells }
    }
}

/// A graph under way.
pub(crate) struct Machine<'a> {
    pub graph: &'a Graph,
    pub params: &'a Params,
    pub(super) weights: &'a [IntTensor],
    inputs: &'a [IntTensor],
    /// Until the last use.
    pub values: Vec<Option<Val<'a>>>,
    uses: Vec<usize>,
    /// Quantisations whose only user, an activation, looks q up by itself.
    pub fused: Vec<bool>,
    /// The tensors that the plan declares for the node at hand, where a trace is wanted.
    pub declared: &'a [TensorDecl],
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
        Self { graph, params, weights, inputs, values, uses, fused, declared: &[] }
    }

    /// How many tensors of this role the node commits: of an op whose cells depend on which of its views are free.
    pub fn commits(&self, role: &str) -> usize {
        let of_role = |t: &&TensorDecl| t.name.rsplit('/').next() == Some(role);
        self.declared.iter().filter(|t| t.source == Source::Trace).filter(of_role).count()
    }

    pub fn input(&self, i: usize) -> &'a IntTensor {
        &self.inputs[i]
    }

    /// The integers of an argument.
    pub fn arg(&self, id: NodeId, i: usize) -> Cow<'_, [i32]> {
        self.values[self.graph.nodes[id].args[i]].as_ref().map_or(Cow::Borrowed(&[]), Val::ints)
    }

    /// An argument as it is held.
    pub fn val(&self, id: NodeId, i: usize) -> Option<&Val<'a>> {
        self.values[self.graph.nodes[id].args[i]].as_ref()
    }

    pub fn shape(&self, id: NodeId, i: usize) -> &'a Shape {
        &self.graph.ty(self.graph.nodes[id].args[i]).shape
    }

    /// An argument where it lies, for the kernels.
    pub fn operand(&self, id: NodeId, i: usize) -> kernel::Operand<'_> {
        let arg = self.graph.nodes[id].args[i];
        let ty = self.graph.ty(arg);
        kernel::Operand { val: self.values[arg].as_ref(), shape: &ty.shape, range: ty.interval }
    }

    /// `f` of every integer of the argument.
    pub fn map(&self, id: NodeId, f: impl Fn(i32) -> i32) -> Computed {
        Computed::virtual_(self.arg(id, 0).iter().map(|&x| f(x)).collect())
    }

    /// `f` of the arguments' integers, broadcast. Intervals keep every sum and product of the model inside i32.
    pub fn zip(&self, id: NodeId, f: impl Fn(i32, i32) -> i32) -> Computed {
        let (x, y) = (self.arg(id, 0), self.arg(id, 1));
        let out = &self.graph.ty(id).shape;
        Computed::virtual_(layout::zip(&x, self.shape(id, 0), &y, self.shape(id, 1), out, f))
    }

    /// Computes a node; the committed cells in order of declaration, if wanted.
    pub fn step(&mut self, id: NodeId, commits: bool) -> Result<Vec<Vec<i32>>, RunError> {
        let node = &self.graph.nodes[id];
        let cells = match self.view_of_weight(id).filter(|_| !commits) {
            Some(view) => {
                self.values[id] = Some(view);
                vec![]
            }
            None => {
                let Computed { value, cells } = node.op.primitive().eval(self, id, commits)?;
                self.values[id] = Some(match node.op {
                    Op::Input(i) => Val::Borrowed(&self.inputs[i]),
                    Op::Weight(i) => Val::Borrowed(&self.weights[i]),
                    _ => Val::Owned(value),
                });
                cells
            }
        };
        for &a in &self.graph.nodes[id].args {
            self.uses[a] -= 1;
            if self.uses[a] == 0 {
                self.values[a] = None;
            }
        }
        Ok(cells)
    }

    /// A transpose or slice of a weight, of which there are many: no wider than it is stored.
    fn view_of_weight(&self, id: NodeId) -> Option<Val<'a>> {
        let node = &self.graph.nodes[id];
        let Some(Val::Borrowed(t)) = self.values[*node.args.first()?].as_ref() else { return None };
        match &node.op {
            Op::Transpose { perm } if perm[..] == [1, 0] => Some(Val::Turned(t)),
            Op::Slice { axis, start, end } => {
                let data = match t.data() {
                    Data::I8(v) => Data::I8(layout::slice(v, t.shape(), *axis, *start, *end)),
                    Data::I16(v) => Data::I16(layout::slice(v, t.shape(), *axis, *start, *end)),
                    Data::I32(v) => Data::I32(layout::slice(v, t.shape(), *axis, *start, *end)),
                };
                IntTensor::from_data(node.ty.shape.clone(), data).ok().map(Val::Part)
            }
            _ => None,
        }
    }

    pub fn all_masked(&self, id: NodeId, row: usize) -> RunError {
        RunError::AllMasked { name: self.graph.nodes[id].name.clone(), row }
    }

    /// An op that is not what its definition expects: a mistake of this crate.
    pub fn malformed(&self, id: NodeId, what: &'static str) -> RunError {
        LowerError::Malformed { node: self.graph.nodes[id].name.clone(), what }.into()
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
        Constant::Band { window, causal } => {
            let n = len.isqrt();
            let near = |i: usize, j: usize| i.abs_diff(j) < *window as usize && (!causal || j <= i);
            (0..len).map(|k| near(k / n, k % n) as i32).collect()
        }
        Constant::OneHot { columns, index } => {
            let mut v = vec![0; index.len() * columns];
            let one =
                |(row, &i): (usize, &u32)| ((i as usize) < *columns).then_some(row * columns + i as usize);
            index.iter().enumerate().filter_map(one).for_each(|at| v[at] = 1);
            v
        }
        Constant::Dense(v) => v.clone(),
    }
}
