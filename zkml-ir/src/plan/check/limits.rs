//! Is the plan small enough to be held? A deserialised plan may ask for anything, and what a verifier allocates for it is
//! a multiple of what is counted here. Constants are not: those without a closed form are listed cell by cell.

use super::CheckError;
use crate::plan::{Axis, LinExpr, Plan};
use crate::tables::Table;

/// Odd digits of one index space, contracted and summed axes included: a weight is computed for each.
const MAX_SLABS: u64 = 1 << 22;
/// Cells of all committed tensors. The proven error of the opening admits no more at any level.
const MAX_COMMITTED: u64 = 1 << 34;
/// Slabs of all committed tensors: each is placed in a column.
const MAX_PLACED: u64 = 1 << 24;
/// Slabs of the spaces of all lookups: each is a block of leaves.
const MAX_BLOCKS: u64 = 1 << 24;
/// Rows of all tables: each is computed.
const MAX_TABLE_ROWS: u64 = 1 << 24;
/// Rows of all tables of real functions: one takes up to some microseconds.
const MAX_FUNCTION_ROWS: u64 = 1 << 22;

/// The plan's structure was checked: no product below overflows.
pub(super) fn check(plan: &Plan) -> Result<(), CheckError> {
    let committed = || plan.tensors.iter().filter(|t| t.is_committed());
    at_most(MAX_COMMITTED, "committed cells", committed().map(|t| t.axes.len() as u64).sum())?;
    at_most(MAX_PLACED, "committed slabs", committed().map(|t| t.axes.slabs() as u64).sum())?;
    let rows = |all: bool| {
        let counted =
            |t: &&Table| all || matches!(t, Table::Activation(_) | Table::Exp(_) | Table::Fp8Encode(_));
        plan.tables.iter().filter(counted).map(|t| 1u64 << t.log_rows()).sum()
    };
    at_most(MAX_TABLE_ROWS, "rows of tables", rows(true))?;
    at_most(MAX_FUNCTION_ROWS, "rows of tables of functions", rows(false))?;
    at_most(MAX_BLOCKS, "slabs of lookups", plan.lookups.iter().map(|l| l.space.slabs() as u64).sum())?;
    plan.tensors.iter().try_for_each(|t| slabs(t.axes.axes(), &[]))?;
    for l in &plan.lookups {
        slabs(l.space.axes(), &[])?;
        l.entries.iter().try_for_each(|e| summed(l.space.axes(), e))?;
    }
    for c in &plan.constraints {
        slabs(c.space.axes(), &[])?;
        summed(c.space.axes(), &c.linear)?;
        for p in &c.products {
            slabs(c.space.axes(), &p.contracted)?;
            let all: Vec<Axis> = c.space.axes().iter().chain(&p.contracted).copied().collect();
            [&p.a, &p.b].into_iter().try_for_each(|f| summed(&all, &f.expr))?;
        }
    }
    Ok(())
}

fn summed(axes: &[Axis], e: &LinExpr) -> Result<(), CheckError> {
    e.terms.iter().try_for_each(|t| slabs(axes, &t.summed))
}

fn slabs(axes: &[Axis], more: &[Axis]) -> Result<(), CheckError> {
    at_most(
        MAX_SLABS,
        "odd digits of one index space",
        axes.iter().chain(more).map(|a| a.odd as u64).product(),
    )
}

fn at_most(max: u64, what: &'static str, got: u64) -> Result<(), CheckError> {
    match got <= max {
        true => Ok(()),
        false => Err(CheckError::TooLarge { what, max, got }),
    }
}
