//! Intervals of expressions from the declared ranges of tensors.

use crate::elem::Interval;
use crate::plan::{AxisMap, BitMap, Constraint, Factor, LinExpr, Plan, Product, Term, View};

/// Terms of an expression with more are not compared with each other: that takes a time quadratic in their number.
const COMPARED: usize = 1 << 10;

/// Of `constant + sum of terms`, for any cell of any space.
pub(crate) fn linear(plan: &Plan, e: &LinExpr) -> Interval {
    // Terms of which at most one is non-zero at any cell (the parts of a concatenation) do not add up.
    let mut groups: Vec<(Vec<&Term>, Interval)> = vec![];
    for t in &e.terms {
        let own = term(plan, t);
        let mut earlier = groups.iter_mut().take(if e.terms.len() > COMPARED { 0 } else { COMPARED });
        match earlier.find(|(g, _)| g.iter().all(|other| disjoint(other, t))) {
            Some((g, i)) => {
                g.push(t);
                *i = i.union(own);
            }
            None => groups.push((vec![t], own)),
        }
    }
    groups.into_iter().fold(Interval::point(e.constant), |sum, (_, i)| sum + i)
}

fn term(plan: &Plan, t: &Term) -> Interval {
    let mut cell = plan.tensors[t.view.tensor].range;
    if may_vanish(&t.view) {
        cell = cell.union(Interval::point(0));
    }
    let cells: i64 = t.summed.iter().map(|a| a.extent() as i64).fold(1, |n, e| n.saturating_mul(e));
    cell.scale(cells).scale(t.coef)
}

/// A view that is zero somewhere.
fn may_vanish(v: &View) -> bool {
    v.axes.iter().any(|a| match a {
        AxisMap::Broadcast => false,
        AxisMap::Digits { odd, bits } => {
            odd.iter().any(|d| d.count < d.radix) || bits.iter().any(|b| matches!(b, BitMap::Select(_)))
        }
    })
}

/// Are the two views never both non-zero at one cell of their space? Sums over own axes are not looked into.
fn disjoint(a: &Term, b: &Term) -> bool {
    if !a.summed.is_empty() || !b.summed.is_empty() {
        return false;
    }
    a.view.axes.iter().zip(&b.view.axes).any(|maps| {
        let (AxisMap::Digits { odd: o, bits: x }, AxisMap::Digits { odd: q, bits: y }) = maps else {
            return false;
        };
        let bits = x.iter().zip(y).any(|(x, y)| match (x, y) {
            (BitMap::Select(x), BitMap::Select(y)) => x != y,
            _ => false,
        });
        let odd = match (&o[..], &q[..]) {
            ([o], [q]) if o.radix == q.radix => {
                o.offset + o.count <= q.offset || q.offset + q.count <= o.offset
            }
            _ => false,
        };
        bits || odd
    })
}

fn product(plan: &Plan, p: &Product) -> Interval {
    let naive = || {
        let factor = |f: &Factor| linear(plan, &f.expr);
        let cells = p.contracted.iter().map(|a| a.extent() as i64).fold(1i64, |n, e| n.saturating_mul(e));
        (factor(&p.a) * factor(&p.b)).scale(cells)
    };
    p.proven.unwrap_or_else(naive).scale(p.coef)
}

/// Of the whole left side.
pub(super) fn constraint(plan: &Plan, c: &Constraint) -> Interval {
    c.products.iter().fold(linear(plan, &c.linear), |sum, p| sum + product(plan, p))
}

/// Of the left side without one term of its linear part.
pub(super) fn without(plan: &Plan, c: &Constraint, term: usize) -> Interval {
    let mut rest = c.linear.clone();
    rest.terms.remove(term);
    c.products.iter().fold(linear(plan, &rest), |sum, p| sum + product(plan, p))
}
