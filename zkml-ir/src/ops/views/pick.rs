//! An axis read at listed positions: the gathers that convolutions, pools, padding and strided slices are made of.
//!
//! Free where the list is a view (the whole axis, a slice, every s-th position of an aligned part, windows side by side),
//! else copied: `u[.., j.., ..] = sum_i x[.., i, ..] S[j.., i]` with a public S that has at most one 1 in a row. So each
//! cell has one value, that of one of x's or 0, and `range` bounds it if it holds x and, where a row is empty, 0.

use crate::elem::Interval;
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, Value};
use crate::plan::{Axis, LinExpr, Product, Space, View, ViewError};

/// Axis `axis` becomes the axes `dims`; there it is the old one at `index` (row-major), or 0 where that is its extent.
pub(in crate::ops) struct Pick<'a> {
    pub axis: usize,
    pub index: &'a [u32],
    pub dims: &'a [usize],
}

impl Pick<'_> {
    pub fn space(&self, from: &Space) -> Space {
        let mut axes = from.axes().to_vec();
        axes.splice(self.axis..self.axis + 1, self.dims.iter().map(|&d| Axis::new(d)));
        Space(axes)
    }

    /// As a view, or a copy of role `role`; `range` holds every value of x.
    pub fn lower(&self, ctx: &mut Ctx, role: &str, x: &Value, range: Interval) -> Value {
        self.free(x).unwrap_or_else(|_| self.copy(ctx, role, x, range))
    }

    pub fn free(&self, x: &Value) -> Result<Value, ViewError> {
        let (from, to) = (&x.space, self.space(&x.space));
        let extent = from.axes()[self.axis].extent();
        // A constant is not confined by any view.
        if x.lin.constant != 0 && self.index.contains(&(extent as u32)) {
            return Err(self.unaligned(extent));
        }
        x.map_views(&to, |v| self.view(v, from, &to))
    }

    fn unaligned(&self, extent: usize) -> ViewError {
        let ends = |f: fn(u32, u32) -> u32| self.index.iter().copied().reduce(f).unwrap_or(0) as usize;
        ViewError::Unaligned { extent, start: ends(u32::min), end: ends(u32::max) }
    }

    fn view(&self, v: &View, from: &Space, to: &Space) -> Result<View, ViewError> {
        let (axis, extent) = (self.axis, from.axes()[self.axis].extent());
        let fail = || self.unaligned(extent);
        if self.index.iter().copied().eq(0..extent as u32) {
            return v.reshape(from, to);
        }
        let inside = |i: &u32| (*i as usize) < extent;
        if !self.index.iter().all(inside) {
            // Zeros around a part: sliced, then embedded.
            let &[n] = self.dims else { return Err(fail()) };
            let at = self.index.iter().position(inside).ok_or_else(fail)?;
            let count = self.index.iter().filter(|i| inside(i)).count();
            let first = self.index[at];
            let part = first..first + count as u32;
            if part.end as usize > extent || !self.index[at..].iter().take(count).copied().eq(part) {
                return Err(fail());
            }
            let first = first as usize;
            let sliced = v.slice(from, axis, first, first + count)?;
            return sliced.embed(&with_axis(from, axis, &[count]), axis, n, at);
        }
        // index[k, o] = first + k + step * o
        let (kernel, out) = match *self.dims {
            [out] => (1, out),
            [kernel, out] => (kernel, out),
            _ => return Err(fail()),
        };
        let first = self.index[0] as usize;
        let step = match out {
            1 => kernel,
            _ => (self.index[1] as usize).checked_sub(first).filter(|&s| s >= kernel).ok_or_else(fail)?,
        };
        if !self.index.iter().enumerate().all(|(j, &i)| i as usize == first + j / out + step * (j % out)) {
            return Err(fail());
        }
        let within = if out == 1 { 0 } else { first % step };
        let start = first - within;
        if within + kernel > step || start + step * out > extent {
            return Err(fail());
        }
        let v = v.slice(from, axis, start, start + step * out)?;
        let (whole, blocks) = (with_axis(from, axis, &[step * out]), with_axis(from, axis, &[out, step]));
        let v = v.reshape(&whole, &blocks)?.slice(&blocks, axis + 1, within, within + kernel)?;
        let windows = with_axis(from, axis, &[out, kernel]);
        let mut swap: Vec<usize> = (0..windows.axes().len()).collect();
        swap.swap(axis, axis + 1);
        let v = v.transpose(&swap);
        v.reshape(&with_axis(from, axis, &[kernel, out]), to)
    }

    pub fn copy(&self, ctx: &mut Ctx, role: &str, x: &Value, range: Interval) -> Value {
        let (to, axis) = (self.space(&x.space), self.axis);
        let from = x.space.axes()[axis];
        let (rank, new) = (to.axes().len(), self.dims.len());
        let s = self.selector(ctx, from);
        let x_axes = (0..x.space.axes().len()).map(|i| match i.cmp(&axis) {
            std::cmp::Ordering::Less => i,
            std::cmp::Ordering::Equal => rank,
            std::cmp::Ordering::Greater => i + new - 1,
        });
        let s_axes: Vec<usize> = (axis..axis + new).chain([rank]).collect();
        let product = Product {
            coef: 1,
            contracted: vec![from],
            a: factor(&x.lin, &x_axes.collect::<Vec<_>>(), rank),
            b: factor(&LinExpr::view(s), &s_axes, rank),
            proven: Some(range),
        };
        exact_copy(ctx, role, &to, range, product)
    }

    /// `S[j.., i] = [i = index[j..]]`
    pub fn selector(&self, ctx: &mut Ctx, from: Axis) -> View {
        let axes = Space::of(self.dims).and(&[from]);
        super::one_hot(ctx, &axes, from.extent(), self.index.to_vec())
    }
}

/// The cells that are exactly `product`.
pub(in crate::ops) fn exact_copy(
    ctx: &mut Ctx,
    role: &str,
    to: &Space,
    range: Interval,
    product: Product,
) -> Value {
    let u = ctx.exact_cell(role, to, range);
    let linear = ctx.cells(u).scaled(-1);
    ctx.constraint(role, to, linear, vec![product]);
    Value::stored(u, to.clone())
}

/// The space with other axes in the place of one.
fn with_axis(space: &Space, axis: usize, dims: &[usize]) -> Space {
    let mut axes = space.axes().to_vec();
    axes.splice(axis..axis + 1, dims.iter().map(|&d| Axis::new(d)));
    Space(axes)
}
