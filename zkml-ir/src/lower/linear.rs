//! Ops that commit nothing: matrix products, sums, elementwise products.

use super::ctx::Ctx;
use super::value::{factor, Value};
use super::LowerError;
use crate::graph::NodeId;
use crate::plan::{Product, Space};

/// `c[.., i, j] = sum_k a[.., i, k] b[.., k, j]`; b without leading axes serves every batch.
pub(super) fn matmul(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let args = &ctx.graph.nodes[id].args;
    let (a, b) = (ctx.affine(args[0])?, ctx.affine(args[1])?);
    let space = Space::from(&ctx.ty(id).shape);
    // Output axes 0..rank, the contracted axis is number rank. A vector a has no axis i.
    let (rank, ra, rb) = (space.axes().len(), a.space.axes().len(), b.space.axes().len());
    let a_axes: Vec<usize> = (0..ra - 1).chain([rank]).collect();
    let b_axes: Vec<usize> = (0..rb - 2).chain([rank, rank - 1]).collect();
    let product = Product {
        coef: 1,
        contracted: vec![a.space.axes()[ra - 1]],
        a: factor(&a.lin, &a_axes, rank),
        b: factor(&b.lin, &b_axes, rank),
        proven: None,
    };
    Ok(Value { space, lin: Default::default(), products: vec![product] })
}

/// `x + sign * y`, broadcasting.
pub(super) fn add(ctx: &mut Ctx, id: NodeId, sign: i64) -> Result<Value, LowerError> {
    let args = &ctx.graph.nodes[id].args;
    let space = Space::from(&ctx.ty(id).shape);
    let (x, y) = (ctx.value(args[0])?, ctx.value(args[1])?);
    Ok(x.broadcast(&space).plus(y.broadcast(&space).scaled(sign)))
}

/// `x * y`, broadcasting.
pub(super) fn mul(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let args = &ctx.graph.nodes[id].args;
    let space = Space::from(&ctx.ty(id).shape);
    let (x, y) = (ctx.affine(args[0])?.broadcast(&space), ctx.affine(args[1])?.broadcast(&space));
    Ok(Value { products: vec![elementwise(1, &x, &y)], lin: Default::default(), space })
}

/// The product of two affine values of one space.
pub(super) fn elementwise(coef: i64, x: &Value, y: &Value) -> Product {
    let axes: Vec<usize> = (0..x.space.axes().len()).collect();
    let side = |v: &Value| factor(&v.lin, &axes, axes.len());
    Product { coef, contracted: vec![], a: side(x), b: side(y), proven: None }
}
