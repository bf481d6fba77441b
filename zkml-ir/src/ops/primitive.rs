//! A primitive op's definition, all of it in one place: the integers, the cells and relations that prove them, the real
//! function, bounds, cost. Each is implemented in its op's folder; [`Op::primitive`] is the only list.

pub(crate) use crate::calibrate::bounds::{Bound, Known};
pub(crate) use crate::exec::node::{Computed, Machine};
pub(crate) use crate::exec::{Recipe, RunError};
pub(crate) use crate::float::{FloatArgs, FloatError};
pub(crate) use crate::graph::{Graph, Node, NodeId, Op, Params};
pub(crate) use crate::lower::ctx::Ctx;
pub(crate) use crate::lower::value::Value;
pub(crate) use crate::lower::LowerError;

pub(crate) trait Primitive: Sync {
    /// In reports.
    fn name(&self) -> &'static str;

    /// The node's integers and, in the order in which [`Primitive::lower`] declares them, the cells that it commits. An op
    /// that commits nothing but in some cases (a view that must be copied) is told by `commits` whether it does.
    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError>;

    /// The same in numbers alone, for machines that compute it elsewhere; `None` where only [`Primitive::eval`] says it.
    fn recipe(&self, _: &Machine, _: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(None)
    }

    /// Declares cells and the relations that leave each of them one value. `None` where the value belongs to the op that
    /// follows.
    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError>;

    /// The same over real numbers: what the integers stand for.
    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError>;

    /// What the node can hold for any input, given the actual weights; the declared interval unless more is known.
    fn bound(&self, known: &Known, id: NodeId, _of: &[Bound]) -> Bound {
        Bound::of(known.graph.ty(id).interval)
    }

    /// What a proof of it takes.
    fn work(&self, _graph: &Graph, node: &Node) -> Work {
        Work::elementwise(node.ty.shape.len())
    }

    /// Whether the integers depend on the real values of units: a rescale, a table of a real function. The step of a weight
    /// can change freely only if one such op notices.
    fn reads_steps(&self) -> bool {
        false
    }

    /// Whether the op can work with the real value of its first argument's unit. Where it cannot, calibration makes that unit
    /// larger.
    fn admits_steps(&self, _graph: &Graph, _params: &Params, _id: NodeId) -> bool {
        true
    }
}

/// What a proof of one op takes, for the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    pub multiply_adds: u64,
    /// Rows of a trace with one row for each multiply-add, or for each bit-level step of a function.
    pub naive_rows: u64,
    /// Values that the sumchecks read.
    pub sumcheck_rows: u64,
}

impl Work {
    /// A view, an input: nothing.
    pub const NONE: Self = Self { multiply_adds: 0, naive_rows: 0, sumcheck_rows: 0 };

    /// One row for each element.
    pub fn elementwise(n: usize) -> Self {
        Self { multiply_adds: 0, naive_rows: n as u64, sumcheck_rows: n as u64 }
    }

    /// As many multiply-adds, one naive row each.
    pub fn products(multiply_adds: u64, sumcheck_rows: u64) -> Self {
        Self { multiply_adds, naive_rows: multiply_adds, sumcheck_rows }
    }
}

impl Op {
    /// The name of the primitive, as reports have it.
    pub fn name(&self) -> &'static str {
        self.primitive().name()
    }

    /// Where the op is defined.
    pub(crate) fn primitive(&self) -> &'static dyn Primitive {
        use super::*;
        match self {
            Op::Input(_) => &leaf::Input,
            Op::Weight(_) => &leaf::Weight,
            Op::MatMul => &matmul::MatMul,
            Op::Add => &add::Add,
            Op::Sub => &sub::Sub,
            Op::Mul => &mul::Mul,
            Op::Neg => &neg::Neg,
            Op::MulInt(_) => &mul::MulInt,
            Op::MulReal(_) => &mul::MulReal,
            Op::Quantize { .. } => &quantize::Quantize,
            Op::Relu => &relu::Relu,
            Op::Gelu => &gelu::Gelu,
            Op::Exp => &exp::Exp,
            Op::Softmax { .. } => &softmax::Softmax,
            Op::AttentionCore { .. } => &attention::AttentionCore,
            Op::LayerNorm { .. } => &layer_norm::LayerNorm,
            Op::Transpose { .. } => &transpose::Transpose,
            Op::Reshape => &reshape::Reshape,
            Op::Slice { .. } => &slice::Slice,
            Op::Concat { .. } => &concat::Concat,
            Op::Embedding => &embedding::Embedding,
            Op::Constant(_) => &leaf::Constant,
            Op::Map(f) => activation::Map::of(*f),
            Op::Clamp { .. } => &clamp::Clamp,
            Op::RmsNorm { .. } => &rms_norm::RmsNorm,
            Op::Sum { .. } => &sum::Sum,
            Op::Max => &max::Max,
            Op::FirstMax { .. } => &first_max::FirstMax,
            Op::ChosenIndex => &first_max::ChosenIndex,
            Op::Chosen => &first_max::Chosen,
            Op::Compare { .. } => &compare::ANY,
            Op::Select => &select::Select,
            Op::DivInt(_) => &div::Div,
            Op::QuantizeFp8 { .. } => &fp8::QUANTIZE_E4M3,
            Op::DequantizeFp8 { .. } => &fp8::DEQUANTIZE_E4M3,
            Op::Conv2d { .. } => &conv2d::Conv2d,
            Op::Gather { .. } => &gather::Gather,
            Op::MaxPool { .. } => &max_pool::MaxPool,
            Op::AvgPool { .. } => &avg_pool::AvgPool,
        }
    }
}
