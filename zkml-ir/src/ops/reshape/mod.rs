//! `reshape(x, shape = [64, 12, 64])`: the same elements in row-major order.
//!
//! - Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: a view; free where digits only regroup (DESIGN 5.1), else copies ([`super::views::regroup`]).

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive, Recipe,
    RunError, Value, Work,
};
use super::views;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::calibrate::bounds::same_last;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::plan::Space;
use crate::shape::{Shape, MAX_RANK};

pub struct Reshape;

/// The role of the cells of a reshape that is not free.
const COPY: &str = "copy";

impl OpDef for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("shape", ArgKind::Ints, true)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::sized(b, "reshape", id, At::Tensor(0))?;
        let dims = call.ints("shape").unwrap_or_default();
        let refuse = |message: String| OpError::new(At::Named("shape".into()), message);
        if dims.len() > MAX_RANK {
            return Err(refuse(format!("a shape has at most {MAX_RANK} axes, got {}", dims.len())));
        }
        if let Some(d) = dims.iter().find(|&&d| !(1..=u32::MAX as i64).contains(&d)) {
            return Err(refuse(format!("an extent must be positive, got {d}")));
        }
        let from = &b.ty(id).shape;
        let len = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d as usize));
        if len != Some(from.len()) {
            let to = len.map_or("more".to_owned(), |n| n.to_string());
            return Err(refuse(format!(
                "`reshape` keeps {} elements of {from}, {dims:?} has {to}",
                from.len()
            )));
        }
        let shape = Shape::new(dims.iter().map(|&d| d as usize).collect::<Vec<_>>());
        Ok(vec![reshape(b, id, shape, &call.name)])
    }
}

/// Adds a reshape to a shape of equal length; `attention` composes with it.
pub(super) fn reshape(b: &mut GraphBuilder, x: NodeId, shape: Shape, name: &str) -> NodeId {
    let t = b.ty(x).clone();
    b.push(Op::Reshape, vec![x], TensorType { shape, ..t }, name)
}

impl Primitive for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let value = m.arg(id, 0).into_owned();
        // Every copy on the way holds the same cells in the same order.
        let copies = if commits { m.commits(COPY) } else { 0 };
        Ok(Computed { cells: vec![value.clone(); copies], value })
    }

    fn recipe(&self, m: &Machine, _: NodeId) -> Result<Option<Recipe>, RunError> {
        Ok(Some(Recipe::Same { copies: m.commits(COPY) }))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let x = ctx.affine(node.args[0])?.clone();
        let range = views::with_zero(ctx.ty(node.args[0]).interval);
        views::regroup::regroup(ctx, COPY, &x, &Space::from(&node.ty.shape), range).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.args[0].data.clone())
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let x = &of[node.args[0]];
        match same_last(known.graph, node) {
            true => x.clone(),
            false => Bound::of(x.whole()),
        }
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}
