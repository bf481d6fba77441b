//! `concat(a, b, .., axis = 0)`.
//!
//! - Shape: equal but for the axis, whose extents add up. Elements: equal, not `Acc`. Interval: the union.
//! - Step: one for all; see [`crate::graph::Steps`] for which of them gives way.
//! - Lowering: a view; free where offsets and lengths are aligned (DESIGN 5.1).

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::slice::check_axis;
use super::views;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::Interval;
use crate::exec::layout;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{LinExpr, Product, Space, ViewError};
use crate::shape::Shape;

pub struct Concat;

impl OpDef for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn signature(&self) -> Signature {
        Signature {
            tensors: &["a", "b", ".."],
            min_tensors: 2,
            max_tensors: 256,
            named: &[("axis", ArgKind::Int, false)],
            turbofish: false,
        }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let axis = check_axis("concat", call.int("axis").unwrap_or(0), &b.ty(call.tensors[0]).shape)?;
        Ok(vec![concat(b, &call.tensors, axis, &call.name)?])
    }
}

/// Adds a concatenation along a valid axis; other ops compose with it.
pub(super) fn concat(
    b: &mut GraphBuilder,
    parts: &[NodeId],
    axis: usize,
    name: &str,
) -> Result<NodeId, OpError> {
    let first = b.ty(parts[0]).clone();
    let (mut extent, mut interval, mut step) = (0, first.interval, first.step.clone());
    for (i, &id) in parts.iter().enumerate() {
        rules::sized(b, "concat", id, At::Tensor(i))?;
        let t = b.ty(id).clone();
        if t.elem != first.elem {
            let message = format!("`concat` needs equal elements: expected {}, got {}", first.elem, t.elem);
            return Err(
                OpError::new(At::Tensor(i), message).help(format!("`quantize::<{}>(..)`", first.elem))
            );
        }
        if !agree(&t.shape, &first.shape, axis) {
            let message =
                format!("`concat` needs equal shapes but for axis {axis}: {} and {}", first.shape, t.shape);
            return Err(OpError::new(At::Tensor(i), message));
        }
        extent += t.shape.dims()[axis];
        interval = interval.union(t.interval);
        step = rules::same_step(b, "concat", parts[0], id)?;
    }
    let mut dims = first.shape.dims().to_vec();
    dims[axis] = extent;
    let ty = TensorType { elem: first.elem, shape: Shape::new(dims), interval, step };
    Ok(b.push(Op::Concat { axis }, parts.to_vec(), ty, name))
}

fn agree(a: &Shape, b: &Shape, axis: usize) -> bool {
    a.rank() == b.rank() && (0..a.rank()).all(|i| i == axis || a.dims()[i] == b.dims()[i])
}

impl Primitive for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let Op::Concat { axis } = m.graph.node(id).op else { return Err(m.malformed(id, "is no concat")) };
        let args: Vec<_> = (0..m.graph.node(id).args.len()).map(|i| m.arg(id, i)).collect();
        let parts: Vec<_> = args.iter().enumerate().map(|(i, x)| (&x[..], m.shape(id, i))).collect();
        Ok(Computed::stored(layout::concat(&parts, axis, &m.graph.ty(id).shape), commits))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let Op::Concat { axis } = ctx.graph.nodes[id].op else { return Err(ctx.unsupported("is no concat")) };
        let to = Space::from(&ctx.ty(id).shape);
        lower(ctx, id, axis, &to).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Concat { axis } = call.node.op else { return Err(call.missing()) };
        Ok(crate::float::layout::concat(&call.args, axis, &call.node.ty.shape))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let all = known.graph.node(id).args.iter().map(|&a| of[a].whole());
        Bound::of(all.reduce(Interval::union).expect("a concatenation has arguments"))
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}

fn lower(ctx: &mut Ctx, id: NodeId, axis: usize, to: &Space) -> Result<Value, LowerError> {
    let args = ctx.graph.nodes[id].args.clone();
    let extent = to.axes()[axis].extent();
    let mut start = 0;
    let mut parts = vec![];
    for &a in &args {
        let x = ctx.affine(a)?.clone();
        parts.push((start, x.clone()));
        start += x.space.axes()[axis].extent();
    }
    let embed = |(start, x): &(usize, Value)| {
        // A constant is not confined to the part by any view.
        let fail = ViewError::Unaligned { extent, start: *start, end: extent };
        match x.lin.constant {
            0 => x.map_views(to, |v| v.embed(&x.space, axis, extent, *start)),
            _ => Err(fail),
        }
    };
    let embedded = parts.iter().map(embed).collect::<Result<Vec<_>, _>>();
    if let Ok(parts) = embedded {
        let zero = Value::affine(to.clone(), LinExpr::default());
        return Ok(parts.into_iter().fold(zero, Value::plus));
    }
    // S[i, j] = [j = start + i] for each part.
    let rank = to.axes().len();
    let mut products = vec![];
    for (start, x) in parts {
        let from = x.space.axes()[axis];
        let index = (0..from.extent()).map(|i| (start + i) as u32).collect();
        let select = Space(vec![from, to.axes()[axis]]);
        let s = views::one_hot(ctx, &select, extent, index);
        let mut axes: Vec<usize> = (0..rank).collect();
        axes[axis] = rank;
        products.push(Product {
            coef: 1,
            contracted: vec![from],
            a: factor(&x.lin, &axes, rank),
            b: factor(&LinExpr::view(s), &[rank, axis], rank),
            proven: Some(views::with_zero(ctx.ty(args[products.len()]).interval)),
        });
    }
    views::copy(ctx, id, to, products)
}
