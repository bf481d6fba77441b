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

/// Checks a tensor after those that its bound rests on. A deserialised plan may chain as many as it has, so the chain is
/// a list and not the stack of a recursion.
fn visit(plan: &Plan, first: TensorId, states: &mut [State]) -> Result<(), CheckError> {
    // Tensors under way, each with those that are still to be checked before it.
    let mut open: Vec<(TensorId, Vec<TensorId>)> = vec![];
    let mut next = Some(first);
    loop {
        if let Some(id) = next.take() {
            match states[id] {
                State::Done => {}
                State::Open => return Err(unbounded(plan, id, "its bound rests on itself".into())),
                State::New => {
                    states[id] = State::Open;
                    open.push((id, rests_on(plan, id)?));
                }
            }
        }
        let Some((id, waiting)) = open.last_mut() else { return Ok(()) };
        next = waiting.pop();
        if next.is_none() {
            if let BoundBy::Exact { constraint } = plan.tensors[*id].bound {
                by_constraint(plan, *id, constraint).map_err(|what| unbounded(plan, *id, what))?;
            }
            states[*id] = State::Done;
            open.pop();
        }
    }
}

fn unbounded(plan: &Plan, id: TensorId, what: String) -> CheckError {
    let t = &plan.tensors[id];
    CheckError::Unbounded { name: t.name.clone(), by: t.bound.clone(), what }
}

/// The tensors to check before this one; all of its bound but what follows from them.
fn rests_on(plan: &Plan, id: TensorId) -> Result<Vec<TensorId>, CheckError> {
    let t = &plan.tensors[id];
    let fail = |what: String| unbounded(plan, id, what);
    match (&t.bound, &t.source) {
        (
            BoundBy::Public,
            Source::PublicInput(_) | Source::PublicOutput(_) | Source::Constant(_) | Source::OneHotOf(_),
        ) => Ok(vec![]),
        (BoundBy::Certificate, Source::Weight(_)) => Ok(vec![]),
        (BoundBy::Lookup { lookup, entry }, _) if t.is_committed() => {
            by_lookup(plan, id, *lookup, *entry).map_err(fail)?;
            Ok(vec![])
        }
        (BoundBy::Exact { constraint }, _) if t.is_committed() => others(plan, id, *constraint).map_err(fail),
        _ => Err(fail(format!("is no bound of a tensor from {:?}", t.source))),
    }
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
