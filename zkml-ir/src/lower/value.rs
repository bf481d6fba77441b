//! The value of a node as an expression: affine in stored cells, plus products.

use crate::plan::{Axis, AxisMap, Factor, LinExpr, Product, Space, TensorId, Term, View, ViewError};

/// `lin + sum of products` over `space`. Nothing of it is committed: sums add, views rearrange, products wait for the
/// quantisation that proves them. Terms of `lin` have no summed axes.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub space: Space,
    pub lin: LinExpr,
    pub products: Vec<Product>,
}

impl Value {
    pub fn affine(space: Space, lin: LinExpr) -> Self {
        Self { space, lin, products: vec![] }
    }

    pub fn stored(tensor: TensorId, space: Space) -> Self {
        let lin = LinExpr::view(View::identity(tensor, &space));
        Self::affine(space, lin)
    }

    pub fn is_affine(&self) -> bool {
        self.products.is_empty()
    }

    pub fn scaled(&self, c: i64) -> Self {
        let products = self.products.iter().map(|p| Product { coef: p.coef * c, ..p.clone() }).collect();
        Self { space: self.space.clone(), lin: self.lin.scaled(c), products }
    }

    pub fn plus(mut self, other: Self) -> Self {
        self.lin = self.lin.plus(other.lin);
        self.products.extend(other.products);
        self
    }

    /// The same value over a space that it broadcasts to: axes align at the end, extents of 1 stretch.
    pub fn broadcast(&self, to: &Space) -> Self {
        let (rank, new) = (self.space.axes().len(), to.axes().len());
        let from: Vec<Option<usize>> = (0..new)
            .map(|i| (i + rank).checked_sub(new).filter(|&j| self.space.axes()[j] == to.axes()[i]))
            .collect();
        let to_new = |axis: usize| match axis.checked_sub(rank) {
            Some(contracted) => Some(new + contracted),
            None => from.iter().position(|f| *f == Some(axis)),
        };
        let move_factor = |f: &Factor| {
            let kept: Vec<(usize, usize)> =
                f.axes.iter().enumerate().filter_map(|(at, &a)| to_new(a).map(|a| (at, a))).collect();
            let order: Vec<Option<usize>> = kept.iter().map(|(at, _)| Some(*at)).collect();
            Factor { axes: kept.iter().map(|k| k.1).collect(), expr: rearrange(&f.expr, &order) }
        };
        let products = self
            .products
            .iter()
            .map(|p| Product { a: move_factor(&p.a), b: move_factor(&p.b), ..p.clone() })
            .collect();
        Self { space: to.clone(), lin: rearrange(&self.lin, &from), products }
    }

    /// Applies a view operation to every term of an affine value.
    pub fn map_views(
        &self,
        to: &Space,
        f: impl Fn(&View) -> Result<View, ViewError>,
    ) -> Result<Self, ViewError> {
        let terms = self.lin.terms.iter().map(|t| Ok(Term { view: f(&t.view)?, ..t.clone() }));
        let lin = LinExpr { terms: terms.collect::<Result<_, _>>()?, constant: self.lin.constant };
        Ok(Self::affine(to.clone(), lin))
    }
}

/// Gives every view of an expression new axes: old axis `from[i]`, or broadcast.
pub(crate) fn rearrange(e: &LinExpr, from: &[Option<usize>]) -> LinExpr {
    let terms = e.terms.iter().map(|t| Term { view: t.view.rearrange(from), ..t.clone() }).collect();
    LinExpr { terms, constant: e.constant }
}

/// Sums an expression over its last axis, which is not an axis of the result's space.
pub(crate) fn sum_last(e: &LinExpr, axis: Axis) -> LinExpr {
    let terms = e.terms.iter().map(|t| Term { summed: vec![axis], ..t.clone() }).collect();
    LinExpr { terms, constant: e.constant * axis.extent() as i64 }
}

/// A factor from an expression whose axis i is axis `axes[i]` of the constraint (its output axes, then those of the
/// product from `contracted` on). Axes along which the expression is constant are left out, unless contracted.
pub(crate) fn factor(e: &LinExpr, axes: &[usize], contracted: usize) -> Factor {
    let constant = |i: usize| {
        e.terms.iter().all(|t| match &t.view.axes[i] {
            AxisMap::Broadcast => true,
            AxisMap::Digits { odd, bits } => odd.is_empty() && bits.is_empty(),
        })
    };
    let mut order: Vec<usize> = (0..axes.len()).filter(|&i| axes[i] >= contracted || !constant(i)).collect();
    order.sort_by_key(|&i| axes[i]);
    let from: Vec<Option<usize>> = order.iter().map(|&i| Some(i)).collect();
    Factor { axes: order.iter().map(|&i| axes[i]).collect(), expr: rearrange(e, &from) }
}
