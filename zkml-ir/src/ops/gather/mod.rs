//! `gather(x, index = [3, 1, 2], axis = 0)`: the listed entries of an axis, in that order; one may be listed again. A
//! list holds ranges too: `index = [0..64, (32..63).rev()]`.
//!
//! - Shape: the axis has as many entries as the list. Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: a view where digits allow (a part, every s-th entry of an aligned part), else a copy ([`super::views::pick`]).
//!
//! The primitive also serves `pad` and strided `slice`: it may give several axes in place of one, and an index that is the
//! axis' extent stands for a zero.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::slice::check_axis;
use super::views::pick::Pick;
use super::views::with_zero;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::exec::layout;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::shape::Shape;

pub struct Gather;

impl OpDef for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn signature(&self) -> Signature {
        let named = &[("index", ArgKind::Ints, true), ("axis", ArgKind::Int, false)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "gather", id, At::Tensor(0))?;
        let axis = check_axis("gather", call.int("axis").unwrap_or(0), &b.ty(id).shape)?;
        let extent = b.ty(id).shape.dims()[axis];
        let index = call.ints("index").unwrap_or_default();
        let refuse = |message| Err(OpError::new(At::Named("index".into()), message));
        if index.is_empty() {
            return refuse("`index` lists no entry".to_owned());
        }
        if let Some(i) = index.iter().find(|&&i| !(0..extent as i64).contains(&i)) {
            return refuse(format!("an index must be in 0..{extent}, got {i}"));
        }
        let index = index.iter().map(|&i| i as u32).collect();
        Ok(vec![gather(b, id, axis, index, &call.name)])
    }
}

/// Adds a gather along an axis by valid positions; an index that is the extent stands for a zero.
pub(super) fn gather(b: &mut GraphBuilder, x: NodeId, axis: usize, index: Vec<u32>, name: &str) -> NodeId {
    let t = b.ty(x).clone();
    let mut dims = t.shape.dims().to_vec();
    let zeros = index.contains(&(dims[axis] as u32));
    let interval = if zeros { with_zero(t.interval) } else { t.interval };
    dims[axis] = index.len();
    let op = Op::Gather { axis, dims: vec![index.len()], index };
    b.push(op, vec![x], TensorType { shape: Shape::new(dims), interval, ..t }, name)
}

impl Primitive for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let Op::Gather { axis, index, .. } = &m.graph.node(id).op else {
            return Err(m.malformed(id, "is no gather"));
        };
        let y = layout::gather(&m.arg(id, 0), m.shape(id, 0).dims(), *axis, index, 0);
        Ok(Computed::stored(y, commits))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let Op::Gather { axis, index, dims } = &node.op else { return Err(ctx.unsupported("is no gather")) };
        let pick = Pick { axis: *axis, index, dims };
        let x = ctx.affine(node.args[0])?.clone();
        // The argument's values lie in its interval, and so in the node's: zeros were added to it.
        Ok(Some(pick.lower(ctx, "copy", &x, node.ty.interval)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Gather { axis, index, .. } = &call.node.op else { return Err(call.missing()) };
        let x = call.args[0];
        Ok(layout::gather(&x.data, x.shape.dims(), *axis, index, 0.0))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let whole = of[node.args[0]].whole();
        let Op::Gather { axis, index, .. } = &node.op else { return Bound::of(node.ty.interval) };
        let extent = known.graph.ty(node.args[0]).shape.dims()[*axis];
        Bound::of(if index.contains(&(extent as u32)) { with_zero(whole) } else { whole })
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}
