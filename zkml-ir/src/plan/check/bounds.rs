//! Is every cell in its declared range?

use super::{interval, CheckError};
use crate::elem::{Interval, P};
use crate::plan::{AxisMap, BitMap, BoundBy, LinExpr, Plan, Source, Space, TensorId, View};
use crate::tables::Table;

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

pub(super) fn check(plan: &Plan) -> Result<(), CheckError> {
    let mut states = vec![State::New; plan.tensors.len()];
    (0..plan.tensors.len()).try_for_each(|t| visit(plan, t, &mut states))
}

fn visit(plan: &Plan, id: TensorId, states: &mut [State]) -> Result<(), CheckError> {
    let t = &plan.tensors[id];
    let fail = |what: String| CheckError::Unbounded { name: t.name.clone(), by: t.bound.clone(), what };
    match states[id] {
        State::Done => return Ok(()),
        State::Open => return Err(fail("its bound rests on itself".into())),
        State::New => states[id] = State::Open,
    }
    match (&t.bound, &t.source) {
        (BoundBy::Public, Source::PublicInput(_) | Source::PublicOutput(_) | Source::Constant(_)) => {}
        (BoundBy::Certificate, Source::Weight(_)) => {}
        (BoundBy::Lookup { lookup, entry }, _) if t.is_committed() => {
            by_lookup(plan, id, *lookup, *entry).map_err(fail)?;
        }
        (BoundBy::Exact { constraint }, _) if t.is_committed() => {
            for other in others(plan, id, *constraint).map_err(fail)? {
                visit(plan, other, states)?;
            }
            by_constraint(plan, id, *constraint).map_err(fail)?;
        }
        _ => return Err(fail(format!("is no bound of a tensor from {:?}", t.source))),
    }
    states[id] = State::Done;
    Ok(())
}

/// The entry is `+-cell + constant` and the table bounds it.
fn by_lookup(plan: &Plan, id: TensorId, lookup: usize, entry: usize) -> Result<(), String> {
    let l = plan.lookups.get(lookup).ok_or("there is no such lookup")?;
    let e = l.entries.get(entry).ok_or("there is no such entry")?;
    let [term] = &e.terms[..] else { return Err("the entry is not this tensor alone".into()) };
    if term.view.tensor != id || term.coef.abs() != 1 || !term.summed.is_empty() {
        return Err("the entry is not this tensor alone".into());
    }
    if !covers(&term.view, l.space.axes().len(), &plan.tensors[id].axes) {
        return Err("the lookup does not see every cell".into());
    }
    let table = &plan.tables[l.table];
    let column = table.entry_range_given(entry, first_entry(table, &l.entries[0]));
    // cell = +-(entry - constant)
    let cell = (column - Interval::point(e.constant)).scale(term.coef);
    let range = plan.tensors[id].range;
    if !range.contains_interval(cell) {
        return Err(format!("the table allows {cell}, declared is {range}"));
    }
    // A cell is a residue; its integer is the one in `cell`, if that is one.
    match cell.width() < P {
        true => Ok(()),
        false => Err(format!("{cell} does not fit the field")),
    }
}

/// What the first entry can be, where the table's other columns depend on it and it is known.
fn first_entry(table: &Table, e: &LinExpr) -> Option<Interval> {
    match (table, &e.terms[..]) {
        (Table::Ranges(_), []) => Some(Interval::point(e.constant)),
        _ => None,
    }
}

/// Every cell of the tensor is the view's at some cell of its space.
fn covers(v: &View, axes: usize, stored: &Space) -> bool {
    debug_assert_eq!(v.axes.len(), axes);
    if v.slab != 0 || !v.fixed.is_empty() {
        return false;
    }
    let mut digits = vec![];
    for map in &v.axes {
        let AxisMap::Digits { odd, bits } = map else { continue };
        if bits.iter().any(|b| matches!(b, BitMap::Select(_))) {
            return false;
        }
        digits.extend(odd.iter().filter(|d| d.count > 1).map(|d| (d.stride, d.count)));
    }
    // Strides that are a mixed radix count every slab once.
    digits.sort_unstable();
    let mut next = 1u64;
    for (stride, count) in digits {
        if stride as u64 != next {
            return false;
        }
        next *= count as u64;
    }
    next == stored.slabs() as u64
}

/// The tensors that the constraint's cell is computed from, if it is the cell's definition.
fn others(plan: &Plan, id: TensorId, constraint: usize) -> Result<Vec<TensorId>, String> {
    let c = plan.constraints.get(constraint).ok_or("there is no such constraint")?;
    let factors = c.products.iter().flat_map(|p| [&p.a.expr, &p.b.expr]);
    let in_products: Vec<TensorId> = factors.flat_map(|e| &e.terms).map(|t| t.view.tensor).collect();
    let linear: Vec<TensorId> = c.linear.terms.iter().map(|t| t.view.tensor).collect();
    if in_products.contains(&id) || linear.iter().filter(|t| **t == id).count() != 1 {
        return Err("the constraint does not define it".into());
    }
    let mut all: Vec<TensorId> = linear.into_iter().chain(in_products).filter(|t| *t != id).collect();
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// `+-cell = rest` modulo p, and the rest is an integer of the declared range: then that integer is the cell's.
fn by_constraint(plan: &Plan, id: TensorId, constraint: usize) -> Result<(), String> {
    let c = &plan.constraints[constraint];
    let at =
        c.linear.terms.iter().position(|t| t.view.tensor == id).ok_or("the constraint does not define it")?;
    let term = &c.linear.terms[at];
    if term.coef.abs() != 1 || !term.summed.is_empty() {
        return Err("the constraint does not define it".into());
    }
    if !covers(&term.view, c.space.axes().len(), &plan.tensors[id].axes) {
        return Err("the constraint does not see every cell".into());
    }
    let cell = interval::without(plan, c, at).scale(-term.coef);
    let range = plan.tensors[id].range;
    match range.contains_interval(cell) {
        true => Ok(()),
        false => Err(format!("the constraint allows {cell}, declared is {range}")),
    }
}
