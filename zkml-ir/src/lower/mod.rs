//! From a graph to a plan: each primitive op to its cells, relations and witness.
//!
//! An op's folder in `crate::ops` holds its whole definition: the integer function with every cell it commits and, beside
//! it, the relations that leave each of these cells one value ([`crate::ops::primitive`]). This folder holds what they
//! share: the plan under way ([`ctx`]), values that are never committed ([`value`]), inputs, weights and outputs ([`io`]).

mod certificate;
pub(crate) mod ctx;
pub(crate) mod io;
pub(crate) mod steps;
pub(crate) mod value;

pub use certificate::{certificate, certificate_in_parts, certificate_size, CERTIFICATE_PART};

use crate::elem::Interval;
use crate::graph::{Graph, Op, Params};
use crate::ops::activation::function;
use crate::ops::quantize::ONE_TABLE;
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
    for (id, node) in graph.nodes.iter().enumerate() {
        ctx.begin(id, node.name.clone());
        let value = node.op.primitive().lower(&mut ctx, id)?;
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
        if let (Some(_), [arg]) = (function(&node.op), &node.args[..]) {
            if let Op::Quantize { window, .. } = graph.nodes[*arg].op {
                fused[*arg] = uses[*arg] == 1 && window <= ONE_TABLE;
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
