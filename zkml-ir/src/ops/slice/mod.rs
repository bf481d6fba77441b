//! `slice(x, axis = 1, range = 0..64)`; with `step = 2` every second entry of the range, the first included.
//!
//! - Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: a view; free where the range is a union of slabs or an aligned dyadic block (DESIGN 5.1); with a
//!   step a gather ([`super::gather`]), free where the step divides the bits of an aligned part.

use super::gather::gather;
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive, Recipe,
    RunError, Value, Work,
};
use super::views;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::exec::layout;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{LinExpr, Product, Space};
use crate::shape::Shape;
use std::ops::Range;

pub struct Slice;

impl OpDef for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn signature(&self) -> Signature {
        let named =
            &[("axis", ArgKind::Int, true), ("range", ArgKind::Range, true), ("step", ArgKind::Int, false)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "slice", id, At::Tensor(0))?;
        let axis = check_axis("slice", call.int("axis").unwrap_or(0), &b.ty(id).shape)?;
        let (start, end) = call.range("range").unwrap_or_default();
        let extent = b.ty(id).shape.dims()[axis];
        if !(0 <= start && start < end && end <= extent as i64) {
            let message = format!("`range` must be a non-empty part of 0..{extent}, got {start}..{end}");
            return Err(OpError::new(At::Named("range".into()), message));
        }
        match call.int("step").unwrap_or(1) {
            1 => Ok(vec![slice(b, id, axis, start as usize..end as usize, &call.name)]),
            step if step > 1 => {
                let index = (start..end).step_by(step as usize).map(|i| i as u32).collect();
                Ok(vec![gather(b, id, axis, index, &call.name)])
            }
            step => {
                Err(OpError::new(At::Named("step".into()), format!("`step` must be positive, got {step}")))
            }
        }
    }
}

/// Adds a slice by a valid range; `attention` composes with it.
pub(super) fn slice(b: &mut GraphBuilder, x: NodeId, axis: usize, range: Range<usize>, name: &str) -> NodeId {
    let t = b.ty(x).clone();
    let mut dims = t.shape.dims().to_vec();
    dims[axis] = range.len();
    let op = Op::Slice { axis, start: range.start, end: range.end };
    b.push(op, vec![x], TensorType { shape: Shape::new(dims), ..t }, name)
}

/// An axis of the shape.
pub(super) fn check_axis(op: &str, axis: i64, shape: &Shape) -> Result<usize, OpError> {
    usize::try_from(axis).ok().filter(|&a| a < shape.rank()).ok_or_else(|| {
        let message = format!("`{op}` has no axis {axis}: shape {shape}");
        OpError::new(At::Named("axis".into()), message)
    })
}

impl Primitive for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let Op::Slice { axis, start, end } = m.graph.node(id).op else {
            return Err(m.malformed(id, "is no slice"));
        };
        let x = m.arg(id, 0);
        Ok(Computed::stored(layout::slice(&x, m.shape(id, 0), axis, start, end), commits))
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        let Op::Slice { axis, start, .. } = m.graph.node(id).op else {
            return Err(m.malformed(id, "is no slice"));
        };
        let strides = m.shape(id, 0).strides();
        Ok(Some(Recipe::View { base: start * strides[axis], strides }))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let Op::Slice { axis, start, end } = ctx.graph.nodes[id].op else {
            return Err(ctx.unsupported("is no slice"));
        };
        let view = |v: &crate::plan::View, from: &Space, _: &Space| v.slice(from, axis, start, end);
        views::free_or(ctx, id, view, |ctx, x, to| copy(ctx, id, x, to, axis, start))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Slice { axis, start, end } = call.node.op else { return Err(call.missing()) };
        Ok(crate::float::layout::slice(call.args[0], axis, start, end))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let x = &of[node.args[0]];
        match node.op {
            Op::Slice { axis, start, end } if axis + 1 == node.ty.shape.rank() => x.columns(start..end),
            _ => x.clone(),
        }
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}

fn copy(
    ctx: &mut Ctx,
    id: NodeId,
    x: &Value,
    to: &Space,
    axis: usize,
    start: usize,
) -> Result<Value, LowerError> {
    let (from, short, rank) = (x.space.axes()[axis], to.axes()[axis], to.axes().len());
    // One row for each kept position: S^T[j, i] = [i = start + j].
    let index = (0..short.extent()).map(|j| (start + j) as u32).collect();
    let s = views::one_hot(ctx, &Space(vec![short, from]), from.extent(), index);
    let mut axes: Vec<usize> = (0..rank).collect();
    axes[axis] = rank;
    let product = Product {
        coef: 1,
        contracted: vec![from],
        a: factor(&x.lin, &axes, rank),
        b: factor(&LinExpr::view(s), &[axis, rank], rank),
        proven: Some(views::with_zero(ctx.ty(ctx.graph.nodes[id].args[0]).interval)),
    };
    views::copy(ctx, id, to, vec![product])
}
