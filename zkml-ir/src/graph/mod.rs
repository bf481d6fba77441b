//! The concrete graph of a model: dims resolved, loops unrolled, calls inlined, every tensor typed.
//!
//! Front ends (the macro, and the runtime builder of `zkml-dsl`) make graphs through [`GraphBuilder`], which applies each
//! op's shape, interval and step rules. Execution, lowering, cost and calibration read them.

mod attempt;
mod builder;
mod check;
mod names;
mod step;
mod steps;

pub use builder::GraphBuilder;
pub use check::GraphError;
pub use names::Names;
pub use step::{Step, StepId};
pub use steps::{StepError, StepKind, Steps};

use crate::elem::{Elem, Interval};
use crate::shape::Shape;
use crate::tables::Fp8;
use crate::tables::Function;
use serde::{Deserialize, Serialize};

/// Index of a node in [`Graph::nodes`]; arguments come before their users.
pub type NodeId = usize;

/// The type of a tensor in the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorType {
    pub elem: Elem,
    pub shape: Shape,
    /// Every value lies here, whatever the inputs and weights (within their own element types).
    pub interval: Interval,
    /// The real value of one unit.
    pub step: Step,
}

/// A primitive operation. Each is a deterministic integer function; `crate::ops` holds one folder for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// The model's data input of this index.
    Input(usize),
    /// The model's weight of this index.
    Weight(usize),
    /// `[.., m, k] x [k, n]` or, with equal leading axes (of which the right side's last may be 1 and stretch),
    /// `[.., m, k] x [.., k, n]`.
    MatMul,
    /// Elementwise with broadcasting ([`Shape::broadcast`]).
    Add,
    Sub,
    Mul,
    Neg,
    /// By an integer constant.
    MulInt(i64),
    /// By a positive real constant: the same integers with another step.
    MulReal(f64),
    /// `clamp(floor((m*x + 2^(s-1)) / 2^s))` with the (m, s) of rescale `param` (DESIGN 5.9a).
    Quantize {
        to: Elem,
        param: usize,
        window: u32,
    },
    Relu,
    Gelu,
    Exp,
    /// Explicit probabilities over the last axis.
    Softmax {
        causal: bool,
    },
    /// `softmax(scores) x v`, fused (DESIGN 5.9b): args are scores `[.., tq, tk]` (I8 or I12), v `[.., tk, d]` (I8), whose
    /// leading axes may end in extents of 1 that stretch, and optionally a key mask `[tk]` of zeros and ones.
    ///
    /// The result is in units of `2^-fraction` of those of v: a mean of many values needs a finer step than they do.
    AttentionCore {
        causal: bool,
        /// Only keys less than so many places before the query (or, unless causal, on either side).
        window: Option<u32>,
        fraction: u32,
    },
    /// Over the last axis, without gain and bias (DESIGN 5.9c). `epsilon` in real units.
    LayerNorm {
        epsilon: f64,
    },
    /// Output axis i is input axis `perm[i]`.
    Transpose {
        perm: Vec<usize>,
    },
    /// To the node's shape, row-major.
    Reshape,
    Slice {
        axis: usize,
        start: usize,
        end: usize,
    },
    Concat {
        axis: usize,
    },
    /// Rows of a table `[v, d]` by their numbers.
    Embedding,
    /// Integers that the model's text gives: row-major values in the node's shape.
    Constant(Vec<i32>),
    /// A function of one integer by a table, in its argument's step or in a fixed one.
    Map(Function),
    /// To real bounds, `lo <= hi`, in its argument's step.
    Clamp {
        lo: f64,
        hi: f64,
    },
    /// Over the last axis, without gain. `epsilon` in real units.
    RmsNorm {
        epsilon: f64,
    },
    /// Over ascending axes, which the result lacks.
    Sum {
        axes: Vec<usize>,
    },
    /// Over the last axis, which the result lacks.
    Max,
    /// Flags of the first of the largest entries over the last axis, among the first `valid` ones and those that none
    /// of the further arguments, flags themselves, names.
    FirstMax {
        valid: usize,
    },
    /// `sum_j j h_j` over the last axis of the flags h of a first maximum.
    ChosenIndex,
    /// `sum_j h_j x_j` over the last axis: args are the flags h of a first maximum, and x.
    Chosen,
    /// Flags: the first argument against the second, or against a real number.
    Compare {
        test: Comparison,
        number: Option<f64>,
    },
    /// Args: flags c, a, b. `a` where c is 1, else `b`.
    Select,
    /// `floor(x / c)`
    DivInt(i64),
    /// The fp8 code nearest to `x * scale`, x in its integers.
    QuantizeFp8 {
        format: Fp8,
        scale: f64,
    },
    /// The value of an fp8 code, in fixed point.
    DequantizeFp8 {
        format: Fp8,
    },
    /// `[N?, C, H, W]` with weights `[CO, C / groups, KH, KW]`, as PyTorch: cross-correlation, zeros around. Pairs are height
    /// and width.
    Conv2d {
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        groups: usize,
    },
    /// Axis `axis` becomes the axes `dims`: row-major, the entries of it that `index` lists, 0 for one that is its extent.
    Gather {
        axis: usize,
        index: Vec<u32>,
        dims: Vec<usize>,
    },
    /// The largest of each window over the last two axes; padding never wins.
    MaxPool {
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    },
    /// The sum of each window over the last two axes, in units of its mean; the padding is zero. A result without these axes is
    /// that of the only window.
    AvgPool {
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Equal,
}

/// A node: an op applied to earlier nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub op: Op,
    pub args: Vec<NodeId>,
    pub ty: TensorType,
    /// Path for people: `blocks[3].attention.scores`.
    pub name: String,
}

/// A data input or an output of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Port {
    pub name: String,
    pub node: NodeId,
    /// Inputs only: kept out of the statement, which holds a commitment instead.
    pub private: bool,
}

/// How a weight lies in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// `[in, out]`, as declared.
    #[default]
    InOut,
    /// Transposed: `[out, in]`.
    OutIn,
}

/// A weight tensor: its path is also its name in a safetensors file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightDecl {
    pub name: String,
    pub node: NodeId,
    pub layout: Layout,
}

/// How a rescale gets its (m, s).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum RescaleRule {
    /// From data, at `calibrate`.
    Calibrated,
    /// out / acc.
    Scale(f64),
    /// `2^-s`.
    Shift(u32),
}

/// One rescale of the model, in node order; each loop iteration has its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RescaleDecl {
    pub name: String,
    pub node: NodeId,
    pub rule: RescaleRule,
}

/// A model's concrete graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    pub name: String,
    pub nodes: Vec<Node>,
    pub inputs: Vec<Port>,
    pub weights: Vec<WeightDecl>,
    pub outputs: Vec<Port>,
    pub rescales: Vec<RescaleDecl>,
    /// Names of the free steps: inputs, weights, quantised tensors. Indexed by [`StepId`].
    pub steps: Steps,
}

/// A rescale's multiplier and shift: `q = floor((m*acc + 2^(s-1)) / 2^s)`, `m >= 1`, `1 <= s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescale {
    pub m: u32,
    pub s: u32,
}

/// What is known only when a model is loaded: one rescale per [`RescaleDecl`], one real step per free step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Params {
    pub rescales: Vec<Rescale>,
    pub steps: Vec<f64>,
}

impl Graph {
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub fn ty(&self, id: NodeId) -> &TensorType {
        &self.nodes[id].ty
    }

    /// How many nodes read each node (outputs count once each).
    pub fn use_counts(&self) -> Vec<usize> {
        let mut n = vec![0; self.nodes.len()];
        self.nodes.iter().flat_map(|x| &x.args).for_each(|&a| n[a] += 1);
        self.outputs.iter().for_each(|o| n[o.node] += 1);
        n
    }
}
