//! `sum(x, axis = 1)` and `mean(x, axis = 1)`; `axes = [1, 2]` for several, the last axis where none is named.
//!
//! - Shape: the argument's without the axes; `keep = true` leaves an extent of 1 for each. Element: any whose value
//!   needs no product (an `Acc` of sums is one, that of `matmul` is refused when lowered: quantize it); gives `Acc`.
//! - Interval: n times the argument's, for n summed entries. Step: the argument's; a mean's is 1/n of it, so that a
//!   mean is the same integers and loses nothing.
//! - Real numbers: the sum, the mean; both exact.
//! - Lowering: one cell for each result, `y - sum x = 0`: that is its only value. No lookup. Nothing wraps: the
//!   interval lies in (-2^30, 2^30), and twice that in (-p, p).
//!
//! The parts of a concatenation count as if they overlapped in the linear rule, so a sum over them may seem to leave
//! its interval. Then it is the product with a vector of ones, whose bound is proven: at each index one part alone is
//! not zero, so x lies in its own interval there, and n such entries in n times it.

use super::mul::by_real;
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::slice::check_axis;
use super::{reduce, rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::exec::layout;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{reach, Axis, Constant, LinExpr, Product, Space, Term, View};
use crate::shape::Shape;

/// `sum(x, axis = ..)`
pub struct Sum;
/// `mean(x, axis = ..)`
pub struct Mean;

const NAMED: &[(&str, ArgKind, bool)] =
    &[("axis", ArgKind::Int, false), ("axes", ArgKind::Ints, false), ("keep", ArgKind::Bool, false)];

impl OpDef for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn signature(&self) -> Signature {
        Signature { named: NAMED, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let axes = axes(b, "sum", call)?;
        let shape = b.ty(call.tensors[0]).shape.clone();
        let y = sum(b, "sum", call.tensors[0], &axes, &call.name)?;
        Ok(vec![reduce::keep(b, call, y, &shape, &axes)])
    }
}

impl OpDef for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn signature(&self) -> Signature {
        Signature { named: NAMED, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let axes = axes(b, "mean", call)?;
        let shape = b.ty(call.tensors[0]).shape.clone();
        let y = sum(b, "mean", call.tensors[0], &axes, &call.name)?;
        let y = by_real(b, y, 1.0 / entries(&shape, &axes) as f64, &call.name)?;
        Ok(vec![reduce::keep(b, call, y, &shape, &axes)])
    }
}

/// The axes of a call, ascending.
fn axes(b: &GraphBuilder, op: &str, call: &Call) -> Result<Vec<usize>, OpError> {
    let Some(list) = call.ints("axes") else { return Ok(vec![reduce::axis(b, op, call)?]) };
    let at = || At::Named("axes".into());
    if call.int("axis").is_some() {
        return Err(OpError::new(at(), "`axis` and `axes` name the same thing: give one of them"));
    }
    let shape = &b.ty(call.tensors[0]).shape;
    let axis = |&a: &i64| check_axis(op, a, shape).map_err(|e| OpError { at: at(), ..e });
    let mut axes = list.iter().map(axis).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    if axes.is_empty() || axes.windows(2).any(|w| w[0] == w[1]) {
        return Err(OpError::new(at(), format!("`axes` holds axes of {shape}, each once, got {list:?}")));
    }
    Ok(axes)
}

fn entries(shape: &Shape, axes: &[usize]) -> usize {
    axes.iter().map(|&a| shape.dims()[a]).product()
}

/// Adds a sum over ascending axes.
fn sum(b: &mut GraphBuilder, op: &str, x: NodeId, axes: &[usize], name: &str) -> Result<NodeId, OpError> {
    let tx = b.ty(x).clone();
    let n = entries(&tx.shape, axes) as i64;
    let interval = rules::bounded(tx.interval.scale(n), || {
        OpError::new(At::Call, "sum can leave (-2^30, 2^30)")
            .note(format!("{n} * {} = {}", tx.interval, tx.interval.scale(n)))
            .help(format!("quantize first: `{op}(quantize_int8(h), ..)`"))
    })?;
    let kept: Vec<usize> = kept(tx.shape.rank(), axes).map(|i| tx.shape.dims()[i]).collect();
    let ty = TensorType { elem: Elem::Acc, shape: Shape::new(kept), interval, step: tx.step };
    Ok(b.push(Op::Sum { axes: axes.to_vec() }, vec![x], ty, name))
}

fn kept(rank: usize, axes: &[usize]) -> impl Iterator<Item = usize> + '_ {
    (0..rank).filter(|i| !axes.contains(i))
}

/// The permutation that moves the summed axes to the end.
fn summed_last(rank: usize, axes: &[usize]) -> Vec<usize> {
    kept(rank, axes).chain(axes.iter().copied()).collect()
}

impl Primitive for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let Op::Sum { axes } = &m.graph.node(id).op else { return Err(m.malformed(id, "is no sum")) };
        let shape = m.shape(id, 0);
        let x = layout::transpose(&m.arg(id, 0), shape, &summed_last(shape.rank(), axes));
        let y: Vec<i32> = x.chunks_exact(entries(shape, axes)).map(|x| x.iter().sum()).collect();
        Ok(Computed { cells: vec![y.clone()], value: y })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let Op::Sum { axes } = &node.op else { return Err(ctx.unsupported("is no sum")) };
        let x = ctx.affine(node.args[0])?.clone();
        let (rank, space) = (x.space.axes().len(), Space::from(&node.ty.shape));
        let summed: Vec<Axis> = axes.iter().map(|&a| x.space.axes()[a]).collect();
        let n: usize = summed.iter().map(|a| a.extent()).product();
        let order = summed_last(rank, axes);
        let term = |t: &Term| Term { coef: t.coef, view: t.view.transpose(&order), summed: summed.clone() };
        let sum =
            LinExpr { terms: x.lin.terms.iter().map(term).collect(), constant: x.lin.constant * n as i64 };
        let range = node.ty.interval.union(Interval::point(0));
        let fits = range.contains_interval(reach(&ctx.plan, &sum));
        let ones = Space(summed.clone());
        let ones = (!fits)
            .then(|| ctx.constant("ones", &ones, Interval::point(1), Constant::Dense(vec![1; n])))
            .map(|t| View::identity(t, &ones));
        let y = ctx.exact_cell("", &space, range);
        let linear = ctx.cells(y).scaled(-1);
        match ones {
            None => ctx.constraint("sum", &space, linear.plus(sum), vec![]),
            Some(ones) => {
                // Axis k of x is an output axis, or one of the contracted ones behind them.
                let at = |k: usize| order.iter().position(|&o| o == k).unwrap_or(k);
                let outputs = space.axes().len();
                let product = Product {
                    coef: 1,
                    contracted: summed,
                    a: factor(&x.lin, &(0..rank).map(at).collect::<Vec<_>>(), outputs),
                    b: factor(&LinExpr::view(ones), &(outputs..rank).collect::<Vec<_>>(), outputs),
                    proven: Some(range),
                };
                ctx.constraint("sum", &space, linear, vec![product]);
            }
        }
        Ok(Some(Value::stored(y, space)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Sum { axes } = &call.node.op else { return Err(call.missing()) };
        let shape = &call.args[0].shape;
        let x = crate::float::layout::transpose(call.args[0], &summed_last(shape.rank(), axes));
        let sum = |x: &[f32]| x.iter().map(|&v| v as f64).sum::<f64>() as f32;
        Ok(x.chunks_exact(entries(shape, axes)).map(sum).collect())
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        let (x, shape) = (&of[node.args[0]], &known.graph.ty(node.args[0]).shape);
        let Op::Sum { axes } = &node.op else { return Bound::of(node.ty.interval) };
        let n = entries(shape, axes) as i64;
        match axes.last() == shape.rank().checked_sub(1).as_ref() {
            true => Bound::of(x.whole().scale(n)),
            false => x.map(|i| i.scale(n)),
        }
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        Work::elementwise(graph.ty(node.args[0]).shape.len())
    }
}
