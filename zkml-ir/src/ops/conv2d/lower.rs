//! The cells of a convolution and why each has one value.
//!
//! With x and w split by groups (`[N, G, C, H, W]`, `[G, M, C, KH, KW]`; N and G where there are several), and S_h, S_w the
//! public matrices with a 1 where entry k of window o reads a position:
//!
//! ```text
//! rows    r[c, ky, oh, w]      = sum_h x[c, h, w] S_h[ky, oh, h]
//! windows u[c, ky, oh, kx, ow] = sum_w r[c, ky, oh, w] S_w[kx, ow, w]        y = sum_{c, ky, kx} u w
//! ```
//!
//! or, where an output has fewer channels than a window has entries,
//!
//! ```text
//! partial z[m, kx, oh, w]      = sum_{c, ky} r[c, ky, oh, w] w[m, c, ky, kx]  y = sum_{kx, w} z S_w[kx, ow, w]
//! ```
//!
//! Every cell stands alone in one of these equations and is computed from cells before it: exact. A row of S has at most one
//! 1, so r and u lie in x's interval or are 0, and y, of which every term is one z of each kx, in KW times z's interval: these
//! are the `proven` bounds. The rules keep y, and with it every z, in (-2^30, 2^30), so nothing wraps.
//!
//! Groups of several output channels make y two axes, whose digits need not be those of one: then y is committed
//! (`sums`, exact) and regrouped.

use super::geometry::Geometry;
use super::interval;
use crate::graph::NodeId;
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, Value};
use crate::lower::LowerError;
use crate::ops::views::pick::{exact_copy, Pick};
use crate::ops::views::regroup::regroup;
use crate::ops::views::with_zero;
use crate::plan::{Axis, LinExpr, Product, Space};

/// The roles of the cells, in order.
pub(super) const CHANNELS: &str = "channels";
pub(super) const KERNELS: &str = "kernels";
pub(super) const ROWS: &str = "rows";
pub(super) const WINDOWS: &str = "windows";
pub(super) const PARTIAL: &str = "partial";
pub(super) const SUMS: &str = "sums";
pub(super) const MERGED: &str = "merged";

pub(super) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let node = &ctx.graph.nodes[id];
    let Some(g) = Geometry::of(ctx.graph, node) else { return Err(ctx.unsupported("is no convolution")) };
    let (x, w) = (ctx.affine(node.args[0])?.clone(), ctx.affine(node.args[1])?.clone());
    let [x_range, w_range] = [0, 1].map(|i| with_zero(ctx.ty(node.args[i]).interval));
    let range = node.ty.interval;
    let x = regroup(ctx, CHANNELS, &x, &Space::of(&g.x_dims()), x_range)?;
    let w = regroup(ctx, KERNELS, &w, &Space::of(&g.w_dims()), w_range)?;

    let axes = Axes::of(&g);
    let (index, dims) = (g.rows.index(), [g.rows.kernel, g.rows.out()]);
    let rows = Pick { axis: axes.outer + 1, index: &index, dims: &dims }.lower(ctx, ROWS, &x, x_range);
    let (index, dims) = (g.columns.index(), [g.columns.kernel, g.columns.out()]);
    let columns = Pick { axis: axes.outer + 3, index: &index, dims: &dims };
    let product = match columns.free(&rows) {
        Ok(windows) => axes.whole(&windows, &w),
        Err(_) if g.copies_windows() => axes.whole(&columns.copy(ctx, WINDOWS, &rows, x_range), &w),
        Err(_) => {
            let dims = [&g.y_dims()[..axes.oh], &[g.columns.kernel, g.rows.out(), g.columns.extent]].concat();
            let sum = interval(x_range, w_range, g.channels * g.rows.kernel);
            let z = exact_copy(ctx, PARTIAL, &Space::of(&dims), sum, axes.partial(&rows, &w));
            let s = LinExpr::view(columns.selector(ctx, rows.space.axes()[axes.outer + 3]));
            Product { proven: Some(range), ..axes.shifted(&z, &s) }
        }
    };
    let (to, split) = (Space::from(&node.ty.shape), Space::of(&g.y_dims()));
    if !g.is_split() {
        return Ok(Value { space: to, lin: LinExpr::default(), products: vec![product] });
    }
    let sums = exact_copy(ctx, SUMS, &split, range, product);
    regroup(ctx, MERGED, &sums, &to, range)
}

/// Where the axes of the result with its groups apart are: `[N?, G?, M?, OH, OW]`, then the contracted ones.
struct Axes {
    /// How many come before an argument's channels.
    outer: usize,
    group: Option<usize>,
    own: Option<usize>,
    oh: usize,
}

impl Axes {
    fn of(g: &Geometry) -> Self {
        let outer = g.outer().len();
        let own = g.own_outputs().map(|_| outer);
        Self { outer, group: (g.groups > 1).then(|| outer - 1), own, oh: outer + own.iter().len() }
    }

    /// Those of a weight but its last.
    fn weight(&self, contracted: usize) -> impl Iterator<Item = usize> {
        self.group.into_iter().chain(self.own).chain([contracted, contracted + 1])
    }

    /// `sum_{c, ky, kx} u[.., c, ky, oh, kx, ow] w[.., c, ky, kx]`
    fn whole(&self, u: &Value, w: &Value) -> Product {
        let (oh, rank) = (self.oh, self.oh + 2);
        let u_axes: Vec<usize> = (0..self.outer).chain([rank, rank + 1, oh, rank + 2, oh + 1]).collect();
        let w_axes: Vec<usize> = self.weight(rank).chain([rank + 2]).collect();
        let contracted = w.space.axes()[w.space.axes().len() - 3..].to_vec();
        product(contracted, factor(&u.lin, &u_axes, rank), factor(&w.lin, &w_axes, rank))
    }

    /// `z[.., kx, oh, w] = sum_{c, ky} r[.., c, ky, oh, w] w[.., c, ky, kx]`
    fn partial(&self, r: &Value, w: &Value) -> Product {
        let (kx, rank) = (self.oh, self.oh + 3);
        let r_axes: Vec<usize> = (0..self.outer).chain([rank, rank + 1, kx + 1, kx + 2]).collect();
        let w_axes: Vec<usize> = self.weight(rank).chain([kx]).collect();
        let all = w.space.axes();
        let contracted = all[all.len() - 3..all.len() - 1].to_vec();
        product(contracted, factor(&r.lin, &r_axes, rank), factor(&w.lin, &w_axes, rank))
    }

    /// `sum_{kx, w} z[.., kx, oh, w] S[kx, ow, w]`
    fn shifted(&self, z: &Value, s: &LinExpr) -> Product {
        let (oh, rank) = (self.oh, self.oh + 2);
        let z_axes: Vec<usize> = (0..oh).chain([rank, oh, rank + 1]).collect();
        let z_all = z.space.axes();
        let contracted = vec![z_all[oh], z_all[oh + 2]];
        product(contracted, factor(&z.lin, &z_axes, rank), factor(s, &[rank, oh + 1, rank + 1], rank))
    }
}

fn product(contracted: Vec<Axis>, a: crate::plan::Factor, b: crate::plan::Factor) -> Product {
    Product { coef: 1, contracted, a, b, proven: None }
}
