//! The cells of a max_pool and why each has one value.
//!
//! `max(a, b) = b + relu(a - b)`: for each pair one lookup `(RELU, a - b, r)`, where r is a cell and the maximum `b + r` is none.
//! The table gives each difference one r, and differences of two values of x's interval are all that it holds. So r has one
//! value, and `b + r` is one of the two values: in x's interval. Windows along the width are gone through first, then those
//! of the result along the height. What is read there as copies (`rows`) are these maxima, so x's interval is a proven bound
//! of the copy although the expression `b + r` could reach further if its cells were free.
//!
//! The last pair commits the maximum y itself: y is looked up in x's interval, and `(RELU, a - b, y - b)` leaves it one value.
//!
//! In the padding a window reads its nearest inner entry again, which changes no maximum: the padding is smaller than the
//! kernel, so that entry is in the window.
//!
//! Nothing wraps: expressions stay within four times the width of x's interval, which has at most 12 bits.

use crate::elem::Interval;
use crate::graph::NodeId;
use crate::lower::ctx::Ctx;
use crate::lower::value::Value;
use crate::lower::LowerError;
use crate::ops::views::pick::Pick;
use crate::ops::window::Window;
use crate::plan::{Axis, Space};
use crate::tables::{Activation, Function, StepBits, Table};

/// The roles of the cells, in order; each side has its maxima after it.
pub(super) const COLUMNS: &str = "columns";
pub(super) const ROWS: &str = "rows";

pub(super) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let node = &ctx.graph.nodes[id];
    let Some((_, [rows, columns])) = super::of(ctx.graph, node) else {
        return Err(ctx.unsupported("is no max_pool"));
    };
    let range = ctx.ty(node.args[0]).interval;
    let x = ctx.affine(node.args[0])?.clone();
    let width = x.space.axes().len() - 1;
    let x = along(ctx, COLUMNS, &x, width, &columns, range, rows.kernel == 1)?;
    along(ctx, ROWS, &x, width - 1, &rows, range, true)
}

/// The maxima of the windows along one axis; `last` commits those of the last pair.
fn along(
    ctx: &mut Ctx,
    role: &str,
    x: &Value,
    axis: usize,
    window: &Window,
    range: Interval,
    last: bool,
) -> Result<Value, LowerError> {
    let (index, dims) = (window.clamped(), [window.kernel, window.out()]);
    let windows = Pick { axis, index: &index, dims: &dims }.lower(ctx, role, x, range);
    let entry = |ctx: &Ctx, k: usize| {
        let from = &windows.space;
        let mut one = from.axes().to_vec();
        one[axis] = Axis::new(1);
        let mut to = one.clone();
        to.remove(axis);
        let (one, to) = (Space(one), Space(to));
        windows
            .map_views(&to, |v| v.slice(from, axis, k, k + 1)?.reshape(&one, &to))
            .map_err(|source| LowerError::View { node: ctx.part_name(), source })
    };
    let mut max = entry(ctx, 0)?;
    for k in 1..window.kernel {
        let next = entry(ctx, k)?;
        max = larger(ctx, &max, &next, range, last && k + 1 == window.kernel);
    }
    Ok(max)
}

/// `max(a, b)`, committed or as a sum.
fn larger(ctx: &mut Ctx, a: &Value, b: &Value, range: Interval, committed: bool) -> Value {
    let table = ctx.shared_table(differences(range));
    let difference = a.lin.clone().plus(b.lin.scaled(-1));
    let space = &a.space;
    if committed {
        let y = ctx.interval_cell("y", space, range);
        let above = ctx.cells(y).plus(b.lin.scaled(-1));
        ctx.lookup("max", table, space, vec![difference, above]);
        return Value::stored(y, space.clone());
    }
    let r = ctx.cell("above", space, Interval::new(0, range.width()), 1);
    ctx.lookup("max", table, space, vec![difference, ctx.cells(r)]);
    Value::affine(space.clone(), b.lin.clone().plus(ctx.cells(r)))
}

/// `(d, relu(d))` for the differences of two values.
fn differences(range: Interval) -> Table {
    let most = range.width() as i32;
    let unit = StepBits::new(1.0).expect("one is a normal number");
    Table::Activation(Activation {
        function: Function::Relu,
        lo: -most,
        hi: most,
        clamp_lo: -most,
        clamp_hi: most,
        out_lo: 0,
        out_hi: most,
        in_step: unit,
        out_step: unit,
    })
}
