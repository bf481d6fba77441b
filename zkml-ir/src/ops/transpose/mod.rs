//! `transpose(x)` swaps the last two axes; `transpose(x, perm = [1, 0, 2])` makes output axis i of input axis `perm[i]`.
//!
//! - Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: a view, free.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive, Recipe,
    RunError, Value, Work,
};
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::exec::layout;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::shape::Shape;

pub struct Transpose;

impl OpDef for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("perm", ArgKind::Ints, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "transpose", id, At::Tensor(0))?;
        let rank = b.ty(id).shape.rank();
        let perm = match call.ints("perm") {
            Some(p) => check_perm(p, rank)?,
            None if rank < 2 => {
                return Err(OpError::new(At::Tensor(0), "`transpose` needs two axes to swap"))
            }
            None => (0..rank - 2).chain([rank - 1, rank - 2]).collect(),
        };
        Ok(vec![transpose(b, id, perm, &call.name)])
    }
}

/// Adds a transposition by a valid permutation; `attention` composes with it.
pub(super) fn transpose(b: &mut GraphBuilder, x: NodeId, perm: Vec<usize>, name: &str) -> NodeId {
    let t = b.ty(x).clone();
    let shape = Shape::new(perm.iter().map(|&i| t.shape.dims()[i]).collect::<Vec<_>>());
    b.push(Op::Transpose { perm }, vec![x], TensorType { shape, ..t }, name)
}

fn check_perm(perm: &[i64], rank: usize) -> Result<Vec<usize>, OpError> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..rank as i64) {
        return Ok(perm.iter().map(|&i| i as usize).collect());
    }
    let message = format!("`perm` must hold each of 0 to {} once, got {perm:?}", rank.saturating_sub(1));
    Err(OpError::new(At::Named("perm".into()), message))
}

impl Primitive for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let Op::Transpose { perm } = &m.graph.node(id).op else {
            return Err(m.malformed(id, "is no transpose"));
        };
        Ok(Computed::virtual_(layout::transpose(&m.arg(id, 0), m.shape(id, 0), perm)))
    }

    fn recipe(&self, m: &Machine, id: NodeId) -> Result<Option<Recipe>, RunError> {
        let Op::Transpose { perm } = &m.graph.node(id).op else {
            return Err(m.malformed(id, "is no transposition"));
        };
        let strides = m.shape(id, 0).strides();
        Ok(Some(Recipe::View { base: 0, strides: perm.iter().map(|&p| strides[p]).collect() }))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let Op::Transpose { perm } = &node.op else { return Err(ctx.unsupported("is no transpose")) };
        let view = ctx.affine(node.args[0])?.map_views(&(&node.ty.shape).into(), |v| Ok(v.transpose(perm)));
        view.map(Some).map_err(|source| LowerError::View { node: ctx.part_name(), source })
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Transpose { perm } = &call.node.op else { return Err(call.missing()) };
        Ok(crate::float::layout::transpose(call.args[0], perm))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let x = &of[node.args[0]];
        match &node.op {
            Op::Transpose { perm } if perm.last() == Some(&(perm.len() - 1)) => x.clone(),
            _ => Bound::of(x.whole()),
        }
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}
