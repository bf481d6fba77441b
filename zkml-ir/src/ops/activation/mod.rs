//! What ops of one integer by a table share (ReLU, GELU, exp): `y = f(x)` by one lookup (ACT, x, y).
//!
//! x is an affine value, or the q of a quantisation that nobody else reads: then the table first clamps it, and the
//! quantisation's own result is never committed. The table bounds x (fused) and y, and gives each x one y.

use crate::elem::Interval;
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::ctx::Ctx;
use crate::lower::value::Value;
use crate::lower::LowerError;
use crate::ops::primitive::{Computed, Machine, RunError};
use crate::ops::quantize::ONE_TABLE;
use crate::plan::{BoundBy, Space};
use crate::tables::{window, Activation, Function, Table};

/// The table of an activation node. Its domain is the argument's interval or, fused, the quantisation's window.
pub(crate) fn table(
    graph: &Graph,
    params: &Params,
    id: NodeId,
    fused: bool,
) -> Result<Activation, LowerError> {
    let node = &graph.nodes[id];
    let arg = node.args[0];
    let function = match node.op {
        Op::Relu => Function::Relu,
        Op::Gelu => Function::Gelu,
        Op::Exp => Function::Exp,
        _ => return Err(LowerError::Malformed { node: node.name.clone(), what: "is no activation" }),
    };
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
    let out = node.ty.interval;
    Ok(Activation {
        function,
        lo: domain.lo as i32,
        hi: domain.hi as i32,
        clamp_lo: inner.lo as i32,
        clamp_hi: inner.hi as i32,
        out_lo: out.lo as i32,
        out_hi: out.hi as i32,
        in_step: step(arg)?,
        out_step: step(id)?,
    })
}

/// y of every x inside the clamp: of a fused quantisation that is what the machine passes on.
pub(crate) fn run(m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
    let (from, inner) = table(m.graph, m.params, id, false)?.inner();
    let y = m.arg(id, 0).iter().map(|x| inner[(x - from) as usize]).collect();
    Ok(Computed::stored(y, commits))
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
    let y = ctx.cell("y", &space, Interval::new(t.out_lo as i64, t.out_hi as i64), 1);
    let table = ctx.own_table(Table::Activation(t));
    ctx.lookup(Table::Activation(t).name(), table, &space, vec![x, ctx.cells(y)]);
    Ok(Value::stored(y, space))
}
