//! What transpose, reshape, slice and concat share: free where digits allow, else a committed copy.
//!
//! A copy is exact: `u[j] = sum_i x[i] S[i, j]` with a public 0/1 matrix S. Each j has at most one i with S[i, j] = 1 in
//! each summand, so u lies in the argument's interval (or is 0); that is the bound that the constraint states.

pub(super) mod pick;
pub(super) mod regroup;

use crate::elem::Interval;
use crate::graph::NodeId;
use crate::lower::ctx::Ctx;
use crate::lower::value::Value;
use crate::lower::LowerError;
use crate::plan::{Constant, Product, Space, View, ViewError};

/// The view where it is free, else what `copy` makes of it.
pub(super) fn free_or(
    ctx: &mut Ctx,
    id: NodeId,
    view: impl Fn(&View, &Space, &Space) -> Result<View, ViewError>,
    copy: impl FnOnce(&mut Ctx, &Value, &Space) -> Result<Value, LowerError>,
) -> Result<Option<Value>, LowerError> {
    let node = &ctx.graph.nodes[id];
    let to = Space::from(&node.ty.shape);
    let x = ctx.affine(node.args[0])?.clone();
    match x.map_views(&to, |v| view(v, &x.space, &to)) {
        Ok(v) => Ok(Some(v)),
        Err(_) => copy(ctx, &x, &to).map(Some),
    }
}

pub(super) fn with_zero(i: Interval) -> Interval {
    i.union(Interval::point(0))
}

pub(super) fn one_hot(ctx: &mut Ctx, axes: &Space, columns: usize, index: Vec<u32>) -> View {
    let c = Constant::OneHot { columns, index };
    let t = ctx.constant("select", axes, Interval::new(0, 1), c);
    View::identity(t, axes)
}

/// `products - u = 0`
pub(super) fn copy(
    ctx: &mut Ctx,
    id: NodeId,
    to: &Space,
    products: Vec<Product>,
) -> Result<Value, LowerError> {
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
