//! The soundness rule: what makes "equal modulo p" mean "equal as integers".
//!
//! For every plan, whatever made it:
//!
//! 1. views address the cells of their tensor and nothing else, and expressions fit their spaces;
//! 2. every committed tensor is bounded. Its [`BoundBy`] names a lookup of which one entry is `+-cell + constant` at every
//!    cell, in a table column that implies the range; or a constraint in which it stands alone with coefficient +-1, and
//!    whose other terms, bounded before it, imply the range; or the model certificate, for weights;
//! 3. every entry of a lookup lies in (-p/2, p/2) by the ranges of its cells, and so do table columns: equality of a tuple
//!    with a row modulo p is equality of integers;
//! 4. the left side of every constraint lies in (-p, p) by the ranges of its cells, products by interval arithmetic or by
//!    the bound that the op proves: 0 modulo p is 0;
//! 5. looked-up tuples and table rows together stay below 2^30, so that no multiplicity wraps.
//!
//! The rule says that cells are integers in ranges and relations hold over the integers. That these leave each cell one
//! value is the ops' own argument.

use super::{
    Axis, AxisMap, BitMap, BoundBy, Constant, Constraint, Factor, LinExpr, Plan, Product, Source, Space,
    TensorId, Term, View,
};
use crate::elem::{Interval, P};
use thiserror::Error;

/// The largest number of tuples and table rows.
pub const MAX_LOOKUPS: u64 = 1 << 30;

/// The most cells that a tensor or a relation may have.
const MAX_CELLS: u64 = 1 << 40;

/// A plan that would not be sound to prove.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckError {
    #[error("{relation}: {what}")]
    Malformed { relation: String, what: &'static str },
    #[error("constraint `{constraint}` can wrap: {arithmetic} leaves (-p, p)")]
    Wraps { constraint: String, arithmetic: String },
    #[error("lookup `{lookup}`: entry {entry} in {range} leaves (-p/2, p/2)")]
    EntryWraps { lookup: String, entry: usize, range: Interval },
    #[error("tensor `{tensor}` is not bounded: {what}")]
    Unbounded { tensor: String, what: &'static str },
    #[error("tensor `{tensor}` is declared in {declared}, its bound says {proven}")]
    Range { tensor: String, declared: Interval, proven: Interval },
    #[error("{count} tuples and table rows; the limit is 2^30")]
    TooManyLookups { count: u64 },
    #[error("table {table} has parameters that no table has")]
    Table { table: usize },
}

/// Checks a plan against the rule.
pub fn check(plan: &Plan) -> Result<(), CheckError> {
    let spaces = plan.tensors.iter().map(|t| (&t.name, &t.axes));
    let spaces = spaces.chain(plan.lookups.iter().map(|l| (&l.name, &l.space)));
    for (name, space) in spaces.chain(plan.constraints.iter().map(|c| (&c.name, &c.space))) {
        if !is_canonical(space) {
            return Err(CheckError::Malformed {
                relation: name.clone(),
                what: "has axes that no extent has",
            });
        }
    }
    let rows: u64 = match plan.tables.iter().position(|t| !t.is_valid()) {
        Some(table) => return Err(CheckError::Table { table }),
        None => plan.tables.iter().map(|t| 1u64 << t.log_rows()).sum(),
    };
    let count = plan.lookups.iter().fold(rows, |n, l| n.saturating_add(cells(&l.space)));
    if count >= MAX_LOOKUPS {
        return Err(CheckError::TooManyLookups { count });
    }
    let rule = Rule { plan };
    plan.lookups.iter().try_for_each(|l| {
        let fail = |what| CheckError::Malformed { relation: format!("lookup `{}`", l.name), what };
        let table = plan.tables.get(l.table).ok_or_else(|| fail("names no table"))?;
        if l.entries.len() != table.arity() {
            return Err(fail("has not as many entries as its table"));
        }
        l.entries.iter().try_for_each(|e| rule.expr(e, &l.space).map_err(fail))
    })?;
    plan.constraints.iter().try_for_each(|c| {
        let fail = |what| CheckError::Malformed { relation: format!("constraint `{}`", c.name), what };
        rule.expr(&c.linear, &c.space).map_err(fail)?;
        c.products.iter().try_for_each(|p| rule.product(p, &c.space).map_err(fail))
    })?;
    (0..plan.tensors.len()).try_for_each(|t| rule.bounded(t))?;
    for l in &plan.lookups {
        for (entry, e) in l.entries.iter().enumerate() {
            let range = rule.interval(e).union(plan.tables[l.table].entry_range(entry));
            if range.max_abs() > P / 2 {
                return Err(CheckError::EntryWraps { lookup: l.name.clone(), entry, range });
            }
        }
    }
    plan.constraints.iter().try_for_each(|c| rule.no_wrap(c))
}

/// Odd digits are odd, and the cells can be counted.
fn is_canonical(space: &Space) -> bool {
    let ok = |a: &Axis| a.odd % 2 == 1 && a.bits < 32;
    space.axes().iter().all(ok) && cells(space) < MAX_CELLS
}

fn cells(space: &Space) -> u64 {
    space.axes().iter().fold(1u64, |n, a| n.saturating_mul(a.extent() as u64))
}

struct Rule<'a> {
    plan: &'a Plan,
}

impl Rule<'_> {
    /// The values of an expression, by the ranges of its cells.
    fn interval(&self, e: &LinExpr) -> Interval {
        let term = |t: &Term| {
            let count = t.summed.iter().fold(1i64, |n, a| n.saturating_mul(a.extent() as i64));
            let range = self.plan.tensors[t.view.tensor].range;
            // A partial view is zero outside: that is a value too.
            let range = if is_total(&t.view) { range } else { range.union(Interval::point(0)) };
            range.scale(t.coef).scale(count)
        };
        e.terms.iter().map(term).fold(Interval::point(e.constant), |a, b| a + b)
    }

    fn product_interval(&self, p: &Product) -> Interval {
        let count = p.contracted.iter().fold(1i64, |n, a| n.saturating_mul(a.extent() as i64));
        let computed = (self.interval(&p.a.expr) * self.interval(&p.b.expr)).scale(count);
        p.proven.unwrap_or(computed).scale(p.coef)
    }

    /// Rule 4.
    fn no_wrap(&self, c: &Constraint) -> Result<(), CheckError> {
        let linear = self.interval(&c.linear);
        let products: Vec<Interval> = c.products.iter().map(|p| self.product_interval(p)).collect();
        let whole = products.iter().fold(linear, |a, b| a + *b);
        if -P < whole.lo && whole.hi < P {
            return Ok(());
        }
        let sum: String = products.iter().map(|p| format!(" + {p}")).collect();
        let arithmetic = format!("{linear}{sum} = {whole}");
        Err(CheckError::Wraps { constraint: c.name.clone(), arithmetic })
    }

    /// Rule 2.
    fn bounded(&self, id: TensorId) -> Result<(), CheckError> {
        let t = &self.plan.tensors[id];
        let fail = |what| Err(CheckError::Unbounded { tensor: t.name.clone(), what });
        let whole = Interval::new(-P / 2, P / 2);
        if !whole.contains_interval(t.range) || t.range.lo > t.range.hi {
            return fail("its range has no place in the field");
        }
        let proven = match (&t.source, &t.bound) {
            (Source::Constant(c), BoundBy::Public) => match constant_range(c, &t.axes) {
                Some(range) => range,
                None => return fail("its values do not fill its axes"),
            },
            (Source::PublicInput(_) | Source::PublicOutput(_), BoundBy::Public) => return Ok(()),
            (Source::Weight(_), BoundBy::Certificate) => return Ok(()),
            (_, BoundBy::Lookup { lookup, entry }) => match self.by_lookup(id, *lookup, *entry) {
                Ok(range) => range,
                Err(what) => return fail(what),
            },
            (_, BoundBy::Exact { constraint }) => match self.by_constraint(id, *constraint) {
                Ok(range) => range,
                Err(what) => return fail(what),
            },
            _ => return fail("its bound does not go with its source"),
        };
        match t.range.contains_interval(proven) {
            true => Ok(()),
            false => Err(CheckError::Range { tensor: t.name.clone(), declared: t.range, proven }),
        }
    }

    /// Whether an expression is `sign * tensor + constant` at every cell of the tensor.
    fn alone(&self, id: TensorId, e: &LinExpr, space: &Space) -> Option<i64> {
        let axes = &self.plan.tensors[id].axes;
        match &e.terms[..] {
            [t] if t.coef.abs() == 1 && t.summed.is_empty() => {
                (axes == space && t.view == View::identity(id, axes)).then_some(t.coef)
            }
            _ => None,
        }
    }

    fn by_lookup(&self, id: TensorId, lookup: usize, entry: usize) -> Result<Interval, &'static str> {
        let l = self.plan.lookups.get(lookup).ok_or("it names no lookup")?;
        let e = l.entries.get(entry).ok_or("it names no entry of the lookup")?;
        let sign =
            self.alone(id, e, &l.space).ok_or("the entry is not the cell up to sign and a constant")?;
        // Where the first entry is a constant, only the rows that begin with it can be reached.
        let first = l.entries[0].terms.is_empty().then(|| self.interval(&l.entries[0]));
        let column = self.plan.tables[l.table].entry_range_given(entry, first);
        // sign * cell + constant is in the column's range.
        Ok((column - Interval::point(e.constant)).scale(sign))
    }

    fn by_constraint(&self, id: TensorId, constraint: usize) -> Result<Interval, &'static str> {
        let c = self.plan.constraints.get(constraint).ok_or("it names no constraint")?;
        let (own, rest): (Vec<&Term>, Vec<&Term>) = c.linear.terms.iter().partition(|t| t.view.tensor == id);
        let own = LinExpr { terms: own.into_iter().cloned().collect(), constant: 0 };
        let sign = self.alone(id, &own, &c.space).ok_or("it does not stand alone in the constraint")?;
        // What determines a cell is bounded without it: by a lookup, or before it.
        let before = |t: &Term| {
            let other = t.view.tensor;
            other < id || !matches!(self.plan.tensors[other].bound, BoundBy::Exact { .. })
        };
        let factors = c.products.iter().flat_map(|p| p.a.expr.terms.iter().chain(&p.b.expr.terms));
        if !rest.iter().copied().chain(factors).all(|t| t.view.tensor != id && before(t)) {
            return Err("the constraint determines it by itself or by what it bounds");
        }
        let rest = LinExpr { terms: rest.into_iter().cloned().collect(), constant: c.linear.constant };
        let sum = c.products.iter().fold(self.interval(&rest), |a, p| a + self.product_interval(p));
        Ok(sum.scale(-sign))
    }

    /// Rule 1 for an expression over a space.
    fn expr(&self, e: &LinExpr, space: &Space) -> Result<(), &'static str> {
        e.terms.iter().try_for_each(|t| {
            let decl = self.plan.tensors.get(t.view.tensor).ok_or("names no tensor")?;
            let full = space.and(&t.summed);
            if !is_canonical(&full) {
                return Err("sums over axes that no extent has");
            }
            view(&t.view, &full, &decl.axes)
        })
    }

    fn product(&self, p: &Product, space: &Space) -> Result<(), &'static str> {
        let full = space.and(&p.contracted);
        let outer = space.axes().len();
        if !is_canonical(&full) {
            return Err("contracts axes that no extent has");
        }
        for Factor { axes, expr } in [&p.a, &p.b] {
            if !axes.windows(2).all(|w| w[0] < w[1]) || axes.last().is_some_and(|a| *a >= full.axes().len()) {
                return Err("has a factor whose axes do not ascend within its own");
            }
            if !(outer..full.axes().len()).all(|k| axes.contains(&k)) {
                return Err("has a contracted axis that does not occur in both factors");
            }
            let own = Space(axes.iter().map(|&a| full.axes()[a]).collect());
            self.expr(expr, &own)?;
        }
        Ok(())
    }
}

/// Whether a view has a cell everywhere.
fn is_total(v: &View) -> bool {
    v.axes.iter().all(|map| match map {
        AxisMap::Broadcast => true,
        AxisMap::Digits { odd, bits } => {
            odd.iter().all(|d| d.offset == 0 && d.count == d.radix)
                && bits.iter().all(|b| matches!(b, BitMap::Slab(_)))
        }
    })
}

/// Every digit addresses the tensor within its slabs and its bits, each bit at most once.
fn view(v: &View, space: &Space, stored: &Space) -> Result<(), &'static str> {
    if v.axes.len() != space.axes().len() {
        return Err("has a view with another number of axes than its space");
    }
    let bits = stored.slab_bits();
    let mut used = vec![false; bits as usize];
    let mut take = |p: u32| match used.get_mut(p as usize) {
        Some(u) if !*u => {
            *u = true;
            Ok(())
        }
        _ => Err("has a view that sets an address bit twice or that does not exist"),
    };
    let mut slab = v.slab as u64;
    for (map, a) in v.axes.iter().zip(space.axes()) {
        let AxisMap::Digits { odd, bits } = map else { continue };
        let radix = odd.iter().fold(1u64, |n, d| n.saturating_mul(d.radix as u64));
        if radix != a.odd as u64 || bits.len() != a.bits as usize {
            return Err("has a view whose digits are not those of its axis");
        }
        for d in odd {
            if d.count == 0 || d.offset.checked_add(d.count).is_none_or(|end| end > d.radix) {
                return Err("has a view with a digit outside its radix");
            }
            slab = slab.saturating_add(d.stride as u64 * (d.count as u64 - 1));
        }
        bits.iter().try_for_each(|b| match *b {
            BitMap::Slab(p) => take(p),
            BitMap::Select(_) => Ok(()),
        })?;
    }
    v.fixed.iter().try_for_each(|f| take(f.0))?;
    if slab >= stored.slabs() as u64 {
        return Err("has a view beyond the slabs of its tensor");
    }
    Ok(())
}

/// The values of a constant, `None` where they do not fill its axes.
fn constant_range(c: &Constant, axes: &Space) -> Option<Interval> {
    let fits = match c {
        Constant::CausalMask => axes.axes().len() == 2 && axes.axes()[0] == axes.axes()[1],
        Constant::OneHot { columns, index } => {
            index.len().checked_mul(*columns) == Some(axes.len())
                && axes.axes().len() == 2
                && axes.axes()[1].extent() == *columns
                && index.iter().all(|&i| (i as usize) < *columns)
        }
        Constant::Dense(v) => v.len() == axes.len() && !v.is_empty(),
    };
    fits.then(|| match c {
        Constant::Dense(v) => {
            let ends = v.iter().fold((i32::MAX, i32::MIN), |(lo, hi), &x| (lo.min(x), hi.max(x)));
            Interval::new(ends.0 as i64, ends.1 as i64)
        }
        _ => Interval::new(0, 1),
    })
}
