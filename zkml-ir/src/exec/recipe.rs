//! What a node computes, in numbers alone: for machines that compute it elsewhere.

use super::node::{Machine, Val};
use super::{check_inputs, RunError};
use crate::graph::{Graph, NodeId, Op, Params};
use crate::ops::norm::Norm;
pub use crate::ops::norm::RowSums;
use crate::ops::primitive::Computed;
use crate::plan::TensorDecl;
use crate::shape::Shape;
use crate::tensor::IntTensor;

/// A node's integers as a function of its arguments', and the cells that it commits. All tensors are row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    /// The argument itself, in another shape; a cell for each copy.
    Same {
        copies: usize,
    },
    /// `out[i] = x[base + i . strides]` over the node's shape; the cell is the result, if the node commits.
    View {
        base: usize,
        strides: Vec<usize>,
    },
    /// Both arguments, broadcast to the node's shape, by element; 32-bit arithmetic that wraps. No cells.
    Zip(Zip),
    /// The argument times a constant. No cells.
    Scale(i64),
    /// `batches` products of `[m, k]` and `[k, n]`. No cells.
    MatMul {
        batches: usize,
        m: usize,
        k: usize,
        n: usize,
    },
    Rescale(Rescaling),
    /// `values[x - from]`; the cell is the result, if the node commits.
    Table {
        from: i32,
        values: Vec<i32>,
    },
    LayerNorm(LayerNorm),
    WideNorm(WideNorm),
    Attention(Attention),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zip {
    Add,
    Sub,
    Mul,
}

/// `q = floor((m x + 2^(s-1)) / 2^s)`, which lies in `window` or the run fails, clamped to `[lo, hi]`; r is the remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescaling {
    pub m: i64,
    pub s: u32,
    /// Bits of the window that q must lie in.
    pub window: u32,
    pub lo: i32,
    pub hi: i32,
    pub cells: RescaleCells,
}

/// The cells of a rescale, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RescaleCells {
    /// q, the remainder in as many limbs as it has (the low one of so many bits), and y if it is a cell of its own.
    Narrow { low_limb: Option<u32>, y: bool },
    /// `q = 2^bits h + l`: h, l, r, t, base, low.
    Wide { bits: u32 },
}

/// Normalised rows of narrow integers ([`crate::ops::layer_norm`]); the cells are mu, tau, t, those of blocks if there are
/// any (limbs of w; l, carry and its low part where there is a shift), p, v, g, t2, n, r.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    pub d: usize,
    /// Entries of a block, and the limbs of its w: first bit and bits.
    pub block: Option<(usize, Vec<(u32, u32)>)>,
    pub shift: u32,
    pub epsilon: i64,
    pub mean_bits: u32,
    pub s: u32,
    /// g, by the row of the table.
    pub gains: Vec<i32>,
}

/// Normalised rows of up to 17 bits ([`crate::ops::norm`]): c is x less its mean, or x.
#[derive(Clone, Debug, PartialEq)]
pub struct WideNorm {
    pub d: usize,
    pub centred: bool,
    /// s: `n = (c g - h + 2^(s-1)) >> s` and its remainder are the last two cells.
    pub shift: u32,
    /// Bits of c's low digit.
    pub digit: u32,
    pub(crate) norm: Norm,
}

impl WideNorm {
    /// Mean, g and h of each row, and the cells of rows in order; `None` is the column of c's high digits.
    pub fn rows(&self, sums: &[RowSums]) -> (Vec<[i64; 3]>, Vec<Option<Vec<i32>>>) {
        self.norm.rows(sums)
    }
}

/// Rows of scores and their weighted means ([`crate::ops::attention`]); the cells are reference, e, nearer, f1, s0, s1, o, t0, t1,
/// u1.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    pub queries: usize,
    pub keys: usize,
    pub width: usize,
    pub causal: bool,
    pub window: Option<u32>,
    /// Distances are in units of `2^-log_grain`.
    pub log_grain: u32,
    /// Sums of exponentials lie below `2^sum_bits`.
    pub sum_bits: u32,
    /// The least reference is at most this far above the largest score.
    pub reach: usize,
    /// By distance.
    pub exponentials: Vec<i32>,
    /// Bits of S in its low digit, of t in its low limb.
    pub digit: u32,
    pub limb: u32,
    pub fraction: u32,
}

/// Computes the nodes of a graph one by one, from arguments that the caller keeps.
pub struct Stepper<'a> {
    machine: Machine<'a>,
}

impl<'a> Stepper<'a> {
    /// The weights were checked when the model was set up; inputs are checked here.
    pub fn new(
        graph: &'a Graph,
        params: &'a Params,
        weights: &'a [IntTensor],
        inputs: &'a [IntTensor],
    ) -> Result<Self, RunError> {
        check_inputs(graph, inputs)?;
        Ok(Self::unchecked(graph, params, weights, inputs))
    }

    /// For recipes alone, which no value decides.
    pub fn unchecked(
        graph: &'a Graph,
        params: &'a Params,
        weights: &'a [IntTensor],
        inputs: &'a [IntTensor],
    ) -> Self {
        Self { machine: Machine::new(graph, params, weights, inputs) }
    }

    pub fn input(&self, i: usize) -> &'a IntTensor {
        self.machine.input(i)
    }

    /// What the node computes, if a recipe says it. `declared` are the tensors that the plan declares for it.
    pub fn recipe(&mut self, id: NodeId, declared: &'a [TensorDecl]) -> Result<Option<Recipe>, RunError> {
        self.machine.declared = declared;
        self.machine.graph.nodes[id].op.primitive().recipe(&self.machine, id)
    }

    /// The node's integers and cells from its arguments', in order; inputs and weights are known and may be left out.
    pub fn compute(
        &mut self,
        id: NodeId,
        declared: &'a [TensorDecl],
        args: Vec<Option<Vec<i32>>>,
        commits: bool,
    ) -> Result<(Vec<i32>, Vec<Vec<i32>>), RunError> {
        let node = &self.machine.graph.nodes[id];
        for (&arg, value) in node.args.iter().zip(args) {
            self.machine.values[arg] = match (value, &self.machine.graph.nodes[arg].op) {
                (Some(v), _) => Some(Val::Owned(v)),
                (None, Op::Input(i)) => Some(Val::Borrowed(self.machine.input(*i))),
                (None, Op::Weight(i)) => Some(Val::Borrowed(&self.machine.weights[*i])),
                (None, _) => None,
            };
        }
        self.machine.declared = declared;
        let Computed { value, cells } = node.op.primitive().eval(&self.machine, id, commits)?;
        node.args.iter().for_each(|&arg| self.machine.values[arg] = None);
        Ok((value, cells))
    }
}

/// Strides of a tensor in a shape that it broadcasts to.
pub fn broadcast_strides(from: &Shape, to: &Shape) -> Vec<usize> {
    super::layout::broadcast_strides(from, to)
}
