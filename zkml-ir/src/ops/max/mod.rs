//! `max(x, axis = 1)`: the largest entry along an axis, the last one where none is named.
//!
//! - Shape: the argument's without the axis; `keep = true` leaves an extent of 1. Element, interval and step: the
//!   argument's, which is I8, I12, I16 or U8. At most 2^16 entries are compared.
//! - Integers and real numbers alike: the maximum, so no rounding.
//! - Lowering: for x in [lo, hi], the cell M for each row, z for each entry:
//!
//! ```text
//! M in [lo, hi]    (ORDER, M - x_j, z_j) over [0, hi - lo]    sum z - 1 in RANGE(ceil log2 n)
//! ```
//!
//! The table has no negative v, so M is no less than any entry, and z_j = 1 exactly where M = x_j; sum z >= 1 says that
//! there is such an entry. So M is the maximum, and each z follows from it. `|M - x_j| < 2^16` and `sum z <= n` are far
//! from p. Another axis than the last is moved to the end by a view.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::relu::TABLED;
use super::softmax::score_rows::ceil_log2;
use super::{reduce, rules, At, Call, OpDef, OpError, Signature};
use crate::elem::Interval;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::{rearrange, sum_last};
use crate::plan::Space;
use crate::tables::{Order, Shows, Table};

pub struct Max;

/// The longest row: its count of maxima is one limb.
pub(super) const MAX_ROW: usize = 1 << 16;

impl OpDef for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn signature(&self) -> Signature {
        Signature { named: reduce::AXIS, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let x = call.tensors[0];
        rules::takes(b, "max", TABLED, x, At::Tensor(0), || "`max(quantize_int8(h), ..)`".into())?;
        let axis = reduce::axis(b, "max", call)?;
        let from = b.ty(x).shape.clone();
        if from.dims()[axis] > MAX_ROW {
            let message = format!("`max` compares at most {MAX_ROW} entries, got {}", from.dims()[axis]);
            return Err(OpError::new(At::Tensor(0), message));
        }
        let x = reduce::to_last(b, x, axis, &call.name);
        let tx = b.ty(x).clone();
        let ty = TensorType { shape: reduce::rows(&tx.shape), ..tx };
        let y = b.push(Op::Max, vec![x], ty, &call.name);
        Ok(vec![reduce::keep(b, call, y, &from, &[axis])])
    }
}

impl Primitive for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let n = m.shape(id, 0).dims().last().copied().unwrap_or(1);
        let x = m.arg(id, 0);
        let max: Vec<i32> = x.chunks_exact(n).map(|r| r.iter().copied().fold(i32::MIN, i32::max)).collect();
        let z = x.iter().enumerate().map(|(i, &x)| (x == max[i / n]) as i32).collect();
        Ok(Computed { cells: vec![max.clone(), z], value: max })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let arg = ctx.graph.nodes[id].args[0];
        let (x, range) = (ctx.affine(arg)?.clone(), ctx.ty(arg).interval);
        let (space, rank) = (x.space.clone(), x.space.axes().len());
        let Some((&last, lead)) = space.axes().split_last() else {
            return Err(ctx.unsupported("has no axis to compare along"));
        };
        if range.width() >= 1 << 16 || last.extent() > MAX_ROW {
            return Err(ctx.unsupported(format!("compares {} values in {range}", last.extent())));
        }
        let rows = Space(lead.to_vec());
        let max = ctx.interval_cell("max", &rows, range);
        let along: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 < rank).then_some(i)).collect();
        let below = rearrange(&ctx.cells(max), &along).plus(x.lin.scaled(-1));
        let order = Order { lo: 0, hi: range.width() as i32, at: 0, shows: Shows::Equal };
        let table = ctx.shared_table(Table::Order(order));
        let z = ctx.cell("z", &space, Interval::new(0, 1), 1);
        ctx.lookup("order", table, &space, vec![below, ctx.cells(z)]);
        let count = sum_last(&ctx.cells(z), last).plus_constant(-1);
        ctx.in_range("max is attained", &rows, ceil_log2(last.extent() as u64), count);
        Ok(Some(Value::stored(max, rows)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let n = call.args[0].shape.dims().last().copied().unwrap_or(1);
        let max = |r: &[f32]| r.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Ok(call.args[0].data.chunks_exact(n).map(max).collect())
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        Bound::of(of[known.graph.node(id).args[0]].whole())
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        Work::elementwise(graph.ty(node.args[0]).shape.len())
    }
}
