//! `reshape(x, shape = [64, 12, 64])`: the same elements in row-major order.
//!
//! - Element, interval and step: the argument's, which is not `Acc`.
//! - Lowering: a view; free where digits only regroup (DESIGN 5.1).

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::views;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::calibrate::bounds::same_last;
use crate::elem::Interval;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{Constant, LinExpr, Product, Space, View};
use crate::shape::{Shape, MAX_RANK};

pub struct Reshape;

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
        Ok(Computed::stored(m.arg(id, 0).into_owned(), commits))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        views::free_or(ctx, id, |v, from, to| v.reshape(from, to), |ctx, x, to| copy(ctx, id, x, to))
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

/// Entries of the axes that a copying reshape regroups: its matrix has the square of it.
const MAX_REGROUPED: usize = 2048;

/// Copies only the axes between the longest common prefix and suffix of the two shapes.
fn copy(ctx: &mut Ctx, id: NodeId, x: &Value, to: &Space) -> Result<Value, LowerError> {
    let (a, b) = (x.space.axes(), to.axes());
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - prefix;
    let suffix = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (old, new) = (&a[prefix..a.len() - suffix], &b[prefix..b.len() - suffix]);
    let n: usize = old.iter().map(|a| a.extent()).product();
    if n > MAX_REGROUPED {
        let what = format!("regroups {n} entries against their digits; at most {MAX_REGROUPED} can be");
        return Err(ctx.unsupported(what));
    }
    // S^T[j.., i..] = [j = i] in row-major order.
    let axes = Space(new.to_vec()).and(old);
    let select = (0..n * n).map(|k| (k / n == k % n) as i32).collect();
    let t = ctx.constant("select", &axes, Interval::new(0, 1), Constant::Dense(select));
    let s = View::identity(t, &axes);
    let rank = b.len();
    let contracted = rank..rank + old.len();
    let axes: Vec<usize> = (0..prefix).chain(contracted.clone()).chain(rank - suffix..rank).collect();
    let select: Vec<usize> = (prefix..rank - suffix).chain(contracted).collect();
    let product = Product {
        coef: 1,
        contracted: old.to_vec(),
        a: factor(&x.lin, &axes, rank),
        b: factor(&LinExpr::view(s), &select, rank),
        proven: Some(views::with_zero(ctx.ty(ctx.graph.nodes[id].args[0]).interval)),
    };
    views::copy(ctx, id, to, vec![product])
}
