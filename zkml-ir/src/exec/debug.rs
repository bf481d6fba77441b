//! Evaluates every relation of a plan on a witness: the first that does not hold, by name.
//!
//! Relations are read modulo p, as the proof does: what passes here is what a prover could prove. Bounds that ops state
//! for products are checked last: an honest witness must keep to them.

use super::relation::{strides, Cells};
use super::Witness;
use crate::elem::{Interval, P};
use crate::plan::{Axis, Constraint, Factor, Lookup, Plan, Product, Space};
use crate::tensor::IntTensor;
use thiserror::Error;

/// A relation that does not hold.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Violation {
    #[error("tensor `{name}` has no values")]
    Missing { name: String },
    #[error("lookup `{name}` at {cell:?}: {tuple:?} is no row of table `{table}`")]
    Lookup { name: String, cell: Vec<usize>, tuple: Vec<i64>, table: &'static str },
    #[error("constraint `{name}` at {cell:?}: {linear} + {products} is not 0")]
    Constraint { name: String, cell: Vec<usize>, linear: i64, products: i64 },
    #[error("constraint `{name}` at {cell:?}: the product {value} is outside its proven bound {bound}")]
    Bound { name: String, cell: Vec<usize>, value: i64, bound: Interval },
    #[error("table `{table}` row {row}: looked up {got} times, counted {counted}")]
    Multiplicity { table: &'static str, row: usize, got: u32, counted: u32 },
}

impl Violation {
    /// The relation's name.
    pub fn name(&self) -> &str {
        match self {
            Violation::Missing { name }
            | Violation::Lookup { name, .. }
            | Violation::Bound { name, .. }
            | Violation::Constraint { name, .. } => name,
            Violation::Multiplicity { table, .. } => table,
        }
    }
}

/// A plan with its tables' rows, for many checks.
pub struct DebugChecker<'a> {
    plan: &'a Plan,
    columns: Vec<Vec<Vec<i32>>>,
}

impl<'a> DebugChecker<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        Self { plan, columns: plan.tables.iter().map(|t| t.columns()).collect() }
    }

    /// Every lookup, then every constraint, then the multiplicities. Slow: it multiplies everything out.
    pub fn check(&self, witness: &Witness, weights: &[IntTensor]) -> Result<(), Violation> {
        let plan = self.plan;
        let cells = Cells::new(plan, witness, weights);
        if let Some(t) = cells.incomplete() {
            return Err(Violation::Missing { name: plan.tensors[t].name.clone() });
        }
        let mut counts: Vec<Vec<u32>> = plan.tables.iter().map(|t| vec![0; 1 << t.log_rows()]).collect();
        for l in &plan.lookups {
            lookup(&cells, l, &self.columns[l.table], &mut counts[l.table])?;
        }
        plan.constraints.iter().try_for_each(|c| constraint(&cells, c))?;
        for (t, table) in plan.tables.iter().enumerate() {
            let (got, counted) = (&counts[t], witness.multiplicities.get(t));
            let counted = |row: usize| counted.and_then(|c| c.get(row)).copied().unwrap_or(0);
            if let Some(row) = (0..got.len()).find(|&r| counted(r) != got[r]) {
                let (got, counted) = (got[row], counted(row));
                return Err(Violation::Multiplicity { table: table.name(), row, got, counted });
            }
        }
        Ok(())
    }
}

/// [`DebugChecker::check`], once.
pub fn debug_check(plan: &Plan, witness: &Witness, weights: &[IntTensor]) -> Result<(), Violation> {
    DebugChecker::new(plan).check(witness, weights)
}

/// The representative in [-(p-1)/2, (p-1)/2].
fn centred(v: i64) -> i64 {
    let v = v.rem_euclid(P);
    if v > P / 2 {
        v - P
    } else {
        v
    }
}

fn position(space: &Space, mut i: usize) -> Vec<usize> {
    let mut at = vec![0; space.axes().len()];
    for (x, a) in at.iter_mut().zip(space.axes()).rev() {
        *x = i % a.extent();
        i /= a.extent();
    }
    at
}

fn lookup(cells: &Cells, l: &Lookup, columns: &[Vec<i32>], counts: &mut [u32]) -> Result<(), Violation> {
    let table = &cells.plan.tables[l.table];
    let entries: Vec<Vec<i64>> = l.entries.iter().map(|e| cells.eval(e, &l.space)).collect();
    for i in 0..l.space.len() {
        let tuple: Vec<i64> = entries.iter().map(|e| centred(e[i])).collect();
        let row = table.row_of(&tuple[..table.key_len()]);
        match row.filter(|&r| columns.iter().zip(&tuple).all(|(c, &v)| c[r] as i64 == v)) {
            Some(r) => counts[r] += 1,
            None => {
                let (name, cell) = (l.name.clone(), position(&l.space, i));
                return Err(Violation::Lookup { name, cell, tuple, table: table.name() });
            }
        }
    }
    Ok(())
}

fn constraint(cells: &Cells, c: &Constraint) -> Result<(), Violation> {
    let linear = cells.eval(&c.linear, &c.space);
    let mut products = vec![0i64; c.space.len()];
    let mut beyond = None;
    for p in &c.products {
        let sums = product(cells, &c.space, p);
        if let Some(bound) = p.proven {
            let cell = sums.iter().position(|v| !bound.contains(*v));
            beyond = beyond.or(cell.map(|i| (i, sums[i], bound)));
        }
        products.iter_mut().zip(sums).for_each(|(all, v)| *all += p.coef * (v % P));
    }
    let (name, at) = (c.name.clone(), |i| position(&c.space, i));
    if let Some(i) = (0..linear.len()).find(|&i| centred(linear[i] + products[i]) != 0) {
        let (linear, products) = (linear[i], products[i]);
        return Err(Violation::Constraint { name, cell: at(i), linear, products });
    }
    match beyond {
        Some((i, value, bound)) => Err(Violation::Bound { name, cell: at(i), value, bound }),
        None => Ok(()),
    }
}

/// `sum a * b` at every cell.
fn product(cells: &Cells, space: &Space, p: &Product) -> Vec<i64> {
    let full = space.and(&p.contracted);
    let (a, b) = (Side::new(cells, &full, &p.a), Side::new(cells, &full, &p.b));
    let inner: usize = p.contracted.iter().map(|a| a.extent()).product();
    let term = |at: usize| a.at(at).wrapping_mul(b.at(at));
    (0..space.len())
        .map(|i| (i * inner..(i + 1) * inner).fold(0i64, |sum, at| sum.wrapping_add(term(at))))
        .collect()
}

/// A factor's values, with the strides of its own axes in the full space.
struct Side {
    values: Vec<i64>,
    /// By axis of the full space: (stride there, extent, stride here).
    axes: Vec<(usize, usize, usize)>,
}

impl Side {
    fn new(cells: &Cells, full: &Space, f: &Factor) -> Self {
        let own = Space(f.axes.iter().map(|&a| full.axes()[a]).collect::<Vec<Axis>>());
        let (outer, inner) = (strides(full), strides(&own));
        let axes = f.axes.iter().zip(inner).map(|(&a, s)| (outer[a], full.axes()[a].extent(), s)).collect();
        Self { values: cells.eval(&f.expr, &own), axes }
    }

    fn at(&self, i: usize) -> i64 {
        self.values
            [self.axes.iter().map(|&(outer, extent, stride)| i / outer % extent * stride).sum::<usize>()]
    }
}
