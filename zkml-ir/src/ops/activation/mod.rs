//! What ops of one integer by a table share (ReLU, GELU, exp, sigmoid ..): `y = f(x)` by one lookup (ACT, x, y).
//!
//! x is an affine value, or the q of a quantisation that nobody else reads: then the table first clamps it, and the
//! quantisation's own result is never committed. The table bounds x (fused) and y, and gives each x one y.

mod map;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use map::{abs, Map};
pub(super) use rules::{bits, in_fixed_step, in_own_step};

use super::clamp;
use crate::exec::all_rows;
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::ctx::Ctx;
use crate::lower::value::Value;
use crate::lower::LowerError;
use crate::ops::primitive::{Computed, Machine, Recipe, RunError};
use crate::ops::quantize::ONE_TABLE;
use crate::plan::{BoundBy, Space};
use crate::tables::{window, Activation, Function, Table};
use std::ops::Range;

/// The function of an op that looks it up.
pub(crate) fn function(op: &Op) -> Option<Function> {
    match op {
        Op::Relu => Some(Function::Relu),
        Op::Gelu => Some(Function::Gelu),
        Op::Exp => Some(Function::Exp),
        Op::Map(f) => Some(*f),
        Op::Clamp { .. } => Some(Function::Identity),
        _ => None,
    }
}

/// The table of an activation node. Its domain is the argument's interval or, fused, the quantisation's window.
pub(crate) fn table(
    graph: &Graph,
    params: &Params,
    id: NodeId,
    fused: bool,
) -> Result<Activation, LowerError> {
    let node = &graph.nodes[id];
    let arg = node.args[0];
    let malformed = |what| LowerError::Malformed { node: node.name.clone(), what };
    let function = function(&node.op).ok_or_else(|| malformed("is no activation"))?;
    let inner = graph.ty(arg).interval;
    let domain = match graph.nodes[arg].op {
        Op::Quantize { window: w, .. } if fused => window(w),
        _ => inner,
    };
    if domain.width() >= 1 << ONE_TABLE {
        let what = format!("has an argument in {domain}, more than a table of 2^16 rows holds; quantize it");
        return Err(LowerError::Unsupported { node: node.name.clone(), what });
    }
    let step = |id: NodeId| {
        crate::lower::steps::value(graph, params, id)
            .ok_or_else(|| LowerError::Step { node: graph.nodes[id].name.clone() })
    };
    let (in_step, out_step, mut out) = (step(arg)?, step(id)?, node.ty.interval);
    if let Op::Clamp { lo, hi } = node.op {
        let bounds = clamp::bounds(lo, hi, out_step, out);
        out = bounds.ok_or_else(|| malformed("has bounds that are not finite and ascending"))?;
    }
    Ok(Activation {
        function,
        lo: domain.lo as i32,
        hi: domain.hi as i32,
        clamp_lo: inner.lo as i32,
        clamp_hi: inner.hi as i32,
        out_lo: out.lo as i32,
        out_hi: out.hi as i32,
        in_step,
        out_step,
    })
}

/// y of every x inside the clamp: of a fused quantisation that is what the machine passes on.
pub(crate) fn run(m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
    let (from, inner) = table(m.graph, m.params, id, false)?.inner();
    let x = m.arg(id, 0);
    let part = |run: Range<usize>| vec![x[run].iter().map(|x| inner[(x - from) as usize]).collect()];
    let y = all_rows(x.len(), x.len(), part).pop().unwrap_or_default();
    Ok(Computed::stored(y, commits))
}

pub(crate) fn recipe(m: &Machine, id: NodeId) -> Result<Recipe, RunError> {
    let (from, values) = table(m.graph, m.params, id, false)?.inner();
    Ok(Recipe::Table { from, values })
}

pub(crate) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let arg = ctx.graph.nodes[id].args[0];
    let fused = ctx.fused[arg];
    let t = table(ctx.graph, ctx.params, id, fused.is_some())?;
    let space = Space::from(&ctx.ty(id).shape);
    let x = match fused {
        Some(q) => {
            ctx.plan.tensors[q].bound = BoundBy::Lookup { lookup: ctx.plan.lookups.len(), entry: 0 };
            ctx.cells(q)
        }
        None => ctx.affine(arg)?.lin.clone(),
    };
    // The type's interval, not the table's, which may depend on parameters.
    let y = ctx.cell("y", &space, ctx.ty(id).interval, 1);
    let table = ctx.own_table(Table::Activation(t));
    ctx.lookup(Table::Activation(t).name(), table, &space, vec![x, ctx.cells(y)]);
    Ok(Value::stored(y, space))
}
