//! From a graph to a plan: each primitive op to its cells, relations and witness.
//!
//! A module of this folder is the whole definition of its op: the integer function with every cell it commits (`eval`,
//! which `run` and `trace` both call) and, beside it, the relations that leave each of these cells one value (`lower`).
//! `eval` returns the committed cells in the order in which `lower` declares them.

pub(crate) mod activation;
pub(crate) mod attention;
mod certificate;
mod ctx;
pub(crate) mod io;
pub(crate) mod layer_norm;
mod linear;
pub(crate) mod quantize;
pub(crate) mod score_rows;
pub(crate) mod softmax;
mod steps;
mod value;
mod views;

pub use certificate::certificate;

use crate::elem::Interval;
use crate::graph::{Graph, Op, Params};
use crate::plan::{check, reach, CheckError, Plan, ViewError};
use ctx::Ctx;
use std::ops::Range;
use thiserror::Error;

/// A lowered graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    pub plan: Plan,
    /// One for each node, in order, then one for each output.
    pub parts: Vec<Part>,
}

/// What one op adds to the plan: a *component* of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub node: usize,
    pub name: String,
    pub tensors: Range<usize>,
    pub lookups: Range<usize>,
    pub constraints: Range<usize>,
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum LowerError {
    #[error("`{node}` {what}")]
    Malformed { node: String, what: &'static str },
    #[error("`{node}` needs a quantised argument, `{arg}` is an accumulator with products")]
    NeedsQuantize { node: String, arg: String },
    #[error("`{node}` is declared in {declared}, its cells can be in {reach}")]
    Interval { node: String, declared: Interval, reach: Interval },
    #[error("the step of `{node}` is not a positive normal number")]
    Step { node: String },
    #[error("`{node}` {what}")]
    Unsupported { node: String, what: String },
    #[error("`{node}` is not free as a view and cannot be copied: {source}")]
    View { node: String, source: ViewError },
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("the rescale of `{node}`, {m} / 2^{s}, {what}")]
    Rescale { node: String, m: u32, s: u32, what: String },
}

/// Lowers a graph with its parameters. The structure of the plan, and so its cost, depends on the graph alone.
pub fn lower(graph: &Graph, params: &Params) -> Result<Lowered, LowerError> {
    let mut ctx = Ctx::new(graph, params);
    ctx.plan.steps = params.steps.iter().map(|s| s.to_bits()).collect();
    let fused = fused_activations(graph);
    for (id, node) in graph.nodes.iter().enumerate() {
        ctx.begin(id, node.name.clone());
        let value = match &node.op {
            Op::Input(index) => Some(io::input(&mut ctx, id, *index)?),
            Op::Weight(index) => Some(io::weight(&mut ctx, id, *index)),
            Op::MatMul => Some(linear::matmul(&mut ctx, id)?),
            Op::Add => Some(linear::add(&mut ctx, id, 1)?),
            Op::Sub => Some(linear::add(&mut ctx, id, -1)?),
            Op::Neg => Some(ctx.value(node.args[0])?.scaled(-1)),
            Op::MulInt(c) => Some(ctx.value(node.args[0])?.scaled(*c)),
            Op::MulReal(_) => Some(ctx.value(node.args[0])?.clone()),
            Op::Mul => Some(linear::mul(&mut ctx, id)?),
            Op::Quantize { .. } => quantize::lower(&mut ctx, id, fused[id])?,
            Op::Transpose { .. } | Op::Reshape | Op::Slice { .. } | Op::Concat { .. } => {
                Some(views::lower(&mut ctx, id)?)
            }
            Op::Relu | Op::Gelu | Op::Exp => Some(activation::lower(&mut ctx, id)?),
            Op::Softmax { .. } => Some(softmax::lower(&mut ctx, id)?),
            Op::AttentionCore { .. } => Some(attention::lower(&mut ctx, id)?),
            Op::LayerNorm { .. } => Some(layer_norm::lower(&mut ctx, id)?),
        };
        if let Some(v) = value.as_ref().filter(|v| v.is_affine()) {
            // Bounds that ops prove (`Product::proven`) start from the intervals of nodes: none may be narrower than what
            // the cells can be. Padding is zero.
            let (declared, reach) = (node.ty.interval, reach(&ctx.plan, &v.lin));
            if !declared.union(Interval::point(0)).contains_interval(reach) {
                return Err(LowerError::Interval { node: node.name.clone(), declared, reach });
            }
        }
        ctx.values[id] = value;
    }
    io::outputs(&mut ctx)?;
    ctx.end();
    check(&ctx.plan)?;
    Ok(Lowered { plan: ctx.plan, parts: ctx.parts })
}

/// The quantisations whose only user is an activation, which then looks q up by itself.
pub(crate) fn fused_activations(graph: &Graph) -> Vec<bool> {
    let uses = graph.use_counts();
    let mut fused = vec![false; graph.nodes.len()];
    for node in &graph.nodes {
        if let (Op::Relu | Op::Gelu | Op::Exp, [arg]) = (&node.op, &node.args[..]) {
            if let Op::Quantize { window, .. } = graph.nodes[*arg].op {
                fused[*arg] = uses[*arg] == 1 && window <= quantize::ONE_TABLE;
            }
        }
    }
    fused
}

/// The limbs of an integer of `bits` bits: (lowest bit, bits) of each, one up to 16 bits, else two.
pub(crate) fn limbs(bits: u32) -> Vec<(u32, u32)> {
    match bits {
        0..=16 => vec![(0, bits)],
        _ => vec![(0, 16), (16, bits - 16)],
    }
}

/// The value of limb `(low, bits)` of x.
pub(crate) fn limb(x: i64, (low, bits): (u32, u32)) -> i32 {
    (x >> low & ((1 << bits) - 1)) as i32
}
