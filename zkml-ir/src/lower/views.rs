//! Transpose, reshape, slice and concat: free where digits allow, else a committed copy.
//!
//! A copy is exact: `u[j] = sum_i x[i] S[i, j]` with a public 0/1 matrix S. Each j has at most one i with S[i, j] = 1 in
//! each summand, so u lies in the argument's interval (or is 0); that is the bound that the constraint states.

use super::ctx::Ctx;
use super::value::{factor, Value};
use super::LowerError;
use crate::elem::Interval;
use crate::graph::{NodeId, Op};
use crate::plan::{Constant, LinExpr, Product, Space, View, ViewError};

/// Entries of the axes that a copying reshape regroups: its matrix has the square of it.
const MAX_REGROUPED: usize = 2048;

pub(super) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let node = &ctx.graph.nodes[id];
    let to = Space::from(&node.ty.shape);
    match &node.op {
        Op::Transpose { perm } => {
            let x = ctx.affine(node.args[0])?;
            map(ctx, x.map_views(&to, |v| Ok(v.transpose(perm))))
        }
        Op::Reshape => {
            let x = ctx.affine(node.args[0])?.clone();
            match x.map_views(&to, |v| v.reshape(&x.space, &to)) {
                Ok(v) => Ok(v),
                Err(_) => reshape_copy(ctx, id, &x, &to),
            }
        }
        Op::Slice { axis, start, end } => {
            let x = ctx.affine(node.args[0])?.clone();
            match x.map_views(&to, |v| v.slice(&x.space, *axis, *start, *end)) {
                Ok(v) => Ok(v),
                Err(_) => slice_copy(ctx, id, &x, &to, *axis, *start),
            }
        }
        Op::Concat { axis } => concat(ctx, id, *axis, &to),
        _ => Err(ctx.unsupported("is no view")),
    }
}

fn map(ctx: &Ctx, v: Result<Value, ViewError>) -> Result<Value, LowerError> {
    v.map_err(|source| LowerError::View { node: ctx.part_name(), source })
}

fn concat(ctx: &mut Ctx, id: NodeId, axis: usize, to: &Space) -> Result<Value, LowerError> {
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
        let s = one_hot(ctx, &select, extent, index);
        let mut axes: Vec<usize> = (0..rank).collect();
        axes[axis] = rank;
        products.push(Product {
            coef: 1,
            contracted: vec![from],
            a: factor(&x.lin, &axes, rank),
            b: factor(&LinExpr::view(s), &[rank, axis], rank),
            proven: Some(with_zero(ctx.ty(args[products.len()]).interval)),
        });
    }
    copy(ctx, id, to, products)
}

fn slice_copy(
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
    let s = one_hot(ctx, &Space(vec![short, from]), from.extent(), index);
    let mut axes: Vec<usize> = (0..rank).collect();
    axes[axis] = rank;
    let product = Product {
        coef: 1,
        contracted: vec![from],
        a: factor(&x.lin, &axes, rank),
        b: factor(&LinExpr::view(s), &[axis, rank], rank),
        proven: Some(with_zero(ctx.ty(ctx.graph.nodes[id].args[0]).interval)),
    };
    copy(ctx, id, to, vec![product])
}

/// Copies only the axes between the longest common prefix and suffix of the two shapes.
fn reshape_copy(ctx: &mut Ctx, id: NodeId, x: &Value, to: &Space) -> Result<Value, LowerError> {
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
        proven: Some(with_zero(ctx.ty(ctx.graph.nodes[id].args[0]).interval)),
    };
    copy(ctx, id, to, vec![product])
}

fn with_zero(i: Interval) -> Interval {
    i.union(Interval::point(0))
}

fn one_hot(ctx: &mut Ctx, axes: &Space, columns: usize, index: Vec<u32>) -> View {
    let c = Constant::OneHot { columns, index };
    let t = ctx.constant("select", axes, Interval::new(0, 1), c);
    View::identity(t, axes)
}

/// `products - u = 0`
fn copy(ctx: &mut Ctx, id: NodeId, to: &Space, products: Vec<Product>) -> Result<Value, LowerError> {
    // The parts of a concatenation do not overlap, but the rule adds up what each of them could be. So its cells are
    // looked up, where a table can hold their interval.
    let range = products.iter().filter_map(|p| p.proven).fold(ctx.ty(id).interval, Interval::union);
    let sum = products.iter().filter_map(|p| p.proven).fold(Interval::point(0), |a, b| a + b);
    let u = match products.len() {
        1 => ctx.exact_cell("copy", to, range),
        _ if range.width() < 1 << 16 => ctx.interval_cell("copy", to, range),
        _ => ctx.exact_cell("copy", to, sum),
    };
    let linear = ctx.cells(u).scaled(-1);
    ctx.constraint("copy", to, linear, products);
    Ok(Value::stored(u, to.clone()))
}
