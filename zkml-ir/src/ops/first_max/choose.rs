//! What the flags of a first maximum choose: the entry `sum_j h_j x_j`, its index `sum_j j h_j`.
//!
//! One cell for each row, `y - sum_j h_j v_j = 0`: its only value. As h is 1 once in a row ([`super::lower`]), the sum
//! is one of the v: the bound that the product states. So h must be the flags of a first maximum, and no other tensor.

use super::super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, NodeId, Op,
    Primitive, RunError, Value, Work,
};
use super::super::reduce::rows;
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, Step, TensorType};
use crate::lower::value::factor;
use crate::plan::{Constant, LinExpr, Product, Space, View};

/// Adds the index of each row's flag.
pub(super) fn index(b: &mut GraphBuilder, h: NodeId, name: &str) -> NodeId {
    let shape = &b.ty(h).shape;
    let n = shape.dims().last().copied().unwrap_or(1);
    let ty = TensorType {
        elem: Elem::Acc,
        shape: rows(shape),
        interval: Interval::new(0, n as i64 - 1),
        step: Step::constant(1.0),
    };
    b.push(Op::ChosenIndex, vec![h], ty, name)
}

/// Adds the entry of x under each row's flag.
pub(super) fn entry(b: &mut GraphBuilder, h: NodeId, x: NodeId, name: &str) -> NodeId {
    let tx = b.ty(x).clone();
    let ty = TensorType { shape: rows(&tx.shape), ..tx };
    b.push(Op::Chosen, vec![h, x], ty, name)
}

/// `sum_j h_j v_j` for each row, v by its place in the tensor.
fn pick<T: Copy + PartialEq + From<i8>>(h: &[T], n: usize, v: impl Fn(usize) -> T) -> Vec<T> {
    let one = |(r, h): (usize, &[T])| {
        let j = h.iter().position(|h| *h == T::from(1)).unwrap_or(0);
        v(r * n + j)
    };
    h.chunks_exact(n).enumerate().map(one).collect()
}

fn lower(ctx: &mut Ctx, id: NodeId, v: LinExpr, axes: &[usize]) -> Result<Option<Value>, LowerError> {
    let node = &ctx.graph.nodes[id];
    if !matches!(ctx.graph.node(node.args[0]).op, Op::FirstMax { .. }) {
        let what = "needs the flags of a first maximum";
        return Err(LowerError::Malformed { node: node.name.clone(), what });
    }
    let h = ctx.affine(node.args[0])?.clone();
    let (space, range, rank) = (Space::from(&node.ty.shape), node.ty.interval, h.space.axes().len());
    let y = ctx.exact_cell("", &space, range);
    let product = Product {
        coef: 1,
        contracted: vec![h.space.axes()[rank - 1]],
        a: factor(&h.lin, &(0..rank).collect::<Vec<_>>(), rank - 1),
        b: factor(&v, axes, rank - 1),
        proven: Some(range),
    };
    let linear = ctx.cells(y).scaled(-1);
    ctx.constraint("chosen", &space, linear, vec![product]);
    Ok(Some(Value::stored(y, space)))
}

fn work(graph: &Graph, node: &Node) -> Work {
    let n = graph.ty(node.args[0]).shape.len() as u64;
    Work::products(n, 2 * n)
}

/// The index.
pub(in crate::ops) struct ChosenIndex;
/// The entry.
pub(in crate::ops) struct Chosen;

fn last(shape: &crate::shape::Shape) -> usize {
    shape.dims().last().copied().unwrap_or(1)
}

impl Primitive for ChosenIndex {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let n = last(m.shape(id, 0));
        let y = pick(&m.arg(id, 0), n, |i| (i % n) as i32);
        Ok(Computed { cells: vec![y.clone()], value: y })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let shape = &ctx.ty(ctx.graph.nodes[id].args[0]).shape;
        let (n, rank) = (last(shape), shape.rank());
        let row = Space::of(&[n]);
        let positions = Constant::Dense((0..n as i32).collect());
        let position = ctx.constant("position", &row, Interval::new(0, n as i64 - 1), positions);
        lower(ctx, id, LinExpr::view(View::identity(position, &row)), &[rank.saturating_sub(1)])
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let n = last(&call.args[0].shape);
        Ok(pick(&call.args[0].data, n, |i| (i % n) as f32))
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        work(graph, node)
    }
}

impl Primitive for Chosen {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let x = m.arg(id, 1);
        let y = pick(&m.arg(id, 0), last(m.shape(id, 0)), |i| x[i]);
        Ok(Computed { cells: vec![y.clone()], value: y })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let x = ctx.affine(ctx.graph.nodes[id].args[1])?.clone();
        let axes: Vec<usize> = (0..x.space.axes().len()).collect();
        lower(ctx, id, x.lin, &axes)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let x = &call.args[1].data;
        Ok(pick(&call.args[0].data, last(&call.args[0].shape), |i| x[i]))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        Bound::of(of[known.graph.node(id).args[1]].whole())
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        work(graph, node)
    }
}
