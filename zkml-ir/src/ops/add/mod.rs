//! `x + y`: residual adds and biases.
//!
//! - Shape: broadcast; axes align at the end, an extent of 1 or an absent axis stretches.
//! - Elements: any; gives `Acc`. Interval: the sum of the arguments' intervals.
//! - Real numbers: the sum. Step: one for both sides; see [`crate::graph::Steps`] for which of them gives way.
//! - Lowering: virtual, an affine combination.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, Recipe, RunError,
    Value,
};
use super::{rules, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::exec::Zip;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::plan::Space;
use crate::shape::Shape;

pub struct Add;

impl OpDef for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x", "y"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        Ok(vec![add(b, call.tensors[0], call.tensors[1], &call.name)?])
    }
}

/// Adds a sum; `attention` composes with it.
pub(super) fn add(b: &mut GraphBuilder, x: NodeId, y: NodeId, name: &str) -> Result<NodeId, OpError> {
    let shape = broadcast(b, "add", x, y)?;
    let interval = linear(b, x, y, "+", b.ty(x).interval + b.ty(y).interval)?;
    let step = rules::same_step(b, "add", x, y)?;
    Ok(b.push(Op::Add, vec![x, y], TensorType { elem: Elem::Acc, shape, interval, step }, name))
}

/// The shape of an elementwise op.
pub(super) fn broadcast(b: &GraphBuilder, op: &str, x: NodeId, y: NodeId) -> Result<Shape, OpError> {
    let (sx, sy) = (&b.ty(x).shape, &b.ty(y).shape);
    sx.broadcast(sy).ok_or_else(|| {
        OpError::new(At::Tensor(1), format!("`{op}` needs shapes that broadcast: {sx} against {sy}"))
    })
}

/// The interval of a sum or difference.
pub(super) fn linear(
    b: &GraphBuilder,
    x: NodeId,
    y: NodeId,
    sign: &str,
    interval: Interval,
) -> Result<Interval, OpError> {
    rules::bounded(interval, || {
        let (ix, iy) = (b.ty(x).interval, b.ty(y).interval);
        OpError::new(At::Call, "sum can leave (-2^30, 2^30)")
            .note(format!("{ix} {sign} {iy} = {interval}"))
            .help("quantize one side first: `quantize::<I16>(..)`")
    })
}

impl Primitive for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        Ok(m.zip(id, |x, y| x.wrapping_add(y)))
    }

    fn recipe(&self, _: &Machine, _: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Zip(Zip::Add)))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        Ok(Some(combine(ctx, id, 1)?))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.zip(|a, b| a + b))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let args = &known.graph.node(id).args;
        of[args[0]].zip(&of[args[1]], |a, b| a + b)
    }
}

/// `x + sign * y`, broadcasting: virtual.
pub(super) fn combine(ctx: &Ctx, id: NodeId, sign: i64) -> Result<Value, LowerError> {
    let args = &ctx.graph.nodes[id].args;
    let space = Space::from(&ctx.ty(id).shape);
    let (x, y) = (ctx.value(args[0])?, ctx.value(args[1])?);
    Ok(x.broadcast(&space).plus(y.broadcast(&space).scaled(sign)))
}
