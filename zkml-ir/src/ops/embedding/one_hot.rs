//! Committed one-hot rows: for each cell of an index space a row of flags with one 1, at the place that the cell names.

use crate::lower::ctx::Ctx;
use crate::plan::{Axis, AxisMap, BitMap, LinExpr, Space, TensorId, Term, View};

/// The flags of every index, row-major.
pub(crate) fn flags(index: &[i32], columns: usize) -> Vec<i32> {
    let mut h = vec![0; index.len() * columns];
    for (i, &c) in index.iter().enumerate() {
        h[i * columns + c as usize] = 1;
    }
    h
}

/// Flags h over `rows` and `columns` with `sum h = 1` and `sum_c c h[c] = index`.
///
/// Each flag is looked up as 0 or 1, so the first sum leaves one 1 in each row (it is below p for any number of columns
/// that a plan can hold), and the second says where.
pub(crate) fn commit(ctx: &mut Ctx, rows: &Space, columns: Axis, index: LinExpr) -> TensorId {
    let space = rows.and(&[columns]);
    let h = ctx.range_cell("flag", &space, 1);
    let cells = ctx.cells(h);
    ctx.constraint("one flag", rows, sum(&cells, columns).plus_constant(-1), vec![]);
    ctx.constraint("its place", rows, position(&cells, columns).plus(index.scaled(-1)), vec![]);
    h
}

fn sum(h: &LinExpr, columns: Axis) -> LinExpr {
    crate::lower::value::sum_last(h, columns)
}

/// `sum_c c h[c]` over the last axis of h, affine in its cells: c is the sum of its digits' values, and the flags of the
/// columns in which a digit has one value are a view. As many terms as the axis has bits and odd values.
pub(crate) fn position(h: &LinExpr, columns: Axis) -> LinExpr {
    let mut out = LinExpr::constant(0);
    for t in &h.terms {
        let Some((AxisMap::Digits { odd, bits }, lead)) = t.view.axes.split_last() else { continue };
        let with = |coef: i64, slab: u32, fixed: Option<u32>, axis: Axis, map: AxisMap| {
            let fixed = t.view.fixed.iter().copied().chain(fixed.map(|p| (p, true))).collect();
            let axes = lead.iter().cloned().chain([map]).collect();
            let view = View { tensor: t.view.tensor, slab: t.view.slab + slab, fixed, axes };
            Term { coef: t.coef * coef, view, summed: vec![axis] }
        };
        for (k, b) in bits.iter().enumerate() {
            let BitMap::Slab(p) = *b else { continue };
            let rest = bits.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, b)| *b).collect();
            let map = AxisMap::Digits { odd: odd.clone(), bits: rest };
            let axis = Axis { odd: columns.odd, bits: columns.bits - 1 };
            out.terms.push(with(1 << (columns.bits as usize - 1 - k), 0, Some(p), axis, map));
        }
        let stride = odd.last().map_or(0, |d| d.stride);
        for u in 1..columns.odd {
            let map = AxisMap::Digits { odd: vec![], bits: bits.clone() };
            let axis = Axis { odd: 1, bits: columns.bits };
            out.terms.push(with((u as i64) << columns.bits, u * stride, None, axis, map));
        }
    }
    out
}
