//! Inputs, weights and outputs.
//!
//! Public values are checked by the verifier, weights by the model certificate. A private input x of w <= 16 bits is
//! looked up as `(w, x - lo)` in the ranges, or in a table of its interval if that is no power of two. A wider one, of 24
//! bits, is split: `x - lo = x0 + 2^12 x1`, `x0` and `x1` in RANGE(12), which bounds x and leaves the limbs one value each.

use super::ctx::Ctx;
use super::value::Value;
use super::LowerError;
use crate::elem::Interval;
use crate::graph::NodeId;
use crate::plan::{BoundBy, Source, Space, TensorId};

/// Bits of a limb of a 24-bit value.
const LIMB: u32 = 12;

pub(crate) fn input(ctx: &mut Ctx, id: NodeId, index: usize) -> Result<Value, LowerError> {
    let ty = ctx.ty(id);
    let (space, range) = (Space::from(&ty.shape), ty.interval);
    if !ctx.graph.inputs[index].private {
        let t = ctx.tensor("", Source::PublicInput(index), &space, range, BoundBy::Public);
        return Ok(Value::stored(t, space));
    }
    let t = bounded(ctx, Source::PrivateInput(index), range, &space)?;
    Ok(Value::stored(t, space))
}

/// A tensor of which each cell is proven to lie in `range`.
pub(crate) fn bounded(
    ctx: &mut Ctx,
    source: Source,
    range: Interval,
    space: &Space,
) -> Result<TensorId, LowerError> {
    let bits = range.width().count_ones();
    let power = (range.width() + 1).count_ones() == 1;
    if range.width() < 1 << 16 {
        let bound = BoundBy::Lookup { lookup: ctx.plan.lookups.len(), entry: power as usize };
        let t = ctx.tensor("", source, space, range, bound);
        let x = ctx.cells(t);
        match power {
            true => ctx.in_shifted_range("range", space, range.lo, bits, x),
            false => ctx.in_interval("range", space, range, x),
        }
        return Ok(t);
    }
    if !power || bits > 2 * LIMB {
        return Err(ctx.unsupported(format!("has the range {range}, which has no range proof")));
    }
    let t = ctx.tensor("", source, space, range, BoundBy::Exact { constraint: ctx.plan.constraints.len() });
    let low = ctx.range_cell("limb0", space, LIMB);
    let high = ctx.range_cell("limb1", space, bits - LIMB);
    let parts = ctx.cells(low).plus(ctx.cells(high).scaled(1 << LIMB));
    let linear = ctx.cells(t).plus_constant(-range.lo).plus(parts.scaled(-1));
    ctx.constraint("limbs", space, linear, vec![]);
    Ok(t)
}

/// Lookups for each cell of [`bounded`].
pub(super) fn lookups_of(range: Interval) -> u64 {
    if range.width() < 1 << 16 {
        1
    } else {
        2
    }
}

/// The trace cells of [`bounded`].
pub(crate) fn bounded_cells(range: Interval, values: &[i32]) -> Vec<Vec<i32>> {
    if range.width() < 1 << 16 {
        return vec![];
    }
    let up = |v: i32| v - range.lo as i32;
    vec![
        values.iter().map(|&v| up(v) & ((1 << LIMB) - 1)).collect(),
        values.iter().map(|&v| up(v) >> LIMB).collect(),
    ]
}

pub(crate) fn weight(ctx: &mut Ctx, id: NodeId, index: usize) -> Value {
    let ty = ctx.ty(id);
    let space = Space::from(&ty.shape);
    let t = ctx.tensor("", Source::Weight(index), &space, ty.interval, BoundBy::Certificate);
    Value::stored(t, space)
}

/// `value - output = 0` for every output.
pub(super) fn outputs(ctx: &mut Ctx) -> Result<(), LowerError> {
    for (index, port) in ctx.graph.outputs.iter().enumerate() {
        let ty = ctx.ty(port.node);
        ctx.begin(port.node, format!("output {}", port.name));
        let space = Space::from(&ty.shape);
        let value = ctx.value(port.node)?.clone();
        let t = ctx.tensor("", Source::PublicOutput(index), &space, ty.interval, BoundBy::Public);
        let linear = value.lin.plus(ctx.cells(t).scaled(-1));
        ctx.constraint("value", &space, linear, value.products);
    }
    Ok(())
}
