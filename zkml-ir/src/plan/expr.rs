//! Affine and quadratic expressions over views, and the relations built from them.

use super::{Axis, Space, TableId, View};
use crate::elem::Interval;
use serde::{Deserialize, Serialize};

/// `coef * sum over the summed axes of view`. The view's axes are those of the expression's space, then the summed ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub coef: i64,
    pub view: View,
    pub summed: Vec<Axis>,
}

impl Term {
    pub fn new(coef: i64, view: View) -> Self {
        Self { coef, view, summed: vec![] }
    }
}

/// `constant + sum of terms` for every cell of a space that the owner names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinExpr {
    pub terms: Vec<Term>,
    pub constant: i64,
}

impl LinExpr {
    pub fn constant(c: i64) -> Self {
        Self { terms: vec![], constant: c }
    }

    pub fn view(v: View) -> Self {
        Self { terms: vec![Term::new(1, v)], constant: 0 }
    }

    pub fn scaled(&self, c: i64) -> Self {
        let terms = self.terms.iter().map(|t| Term { coef: t.coef * c, ..t.clone() }).collect();
        Self { terms, constant: self.constant * c }
    }

    pub fn plus(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self.constant += other.constant;
        self
    }

    pub fn plus_constant(mut self, c: i64) -> Self {
        self.constant += c;
        self
    }
}

/// One side of a product: an affine expression over the listed axes only.
///
/// Axes are numbered over the constraint's output axes followed by the product's contracted axes; `axes` is ascending.
/// The expression's views have one map per listed axis. An axis that is not listed does not occur in the factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    pub axes: Vec<usize>,
    pub expr: LinExpr,
}

/// `coef * sum over the contracted axes of a * b`.
///
/// Every contracted axis occurs in both factors. An output axis may occur in both (batch), one, or neither (the product
/// is then constant along it).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub coef: i64,
    pub contracted: Vec<Axis>,
    pub a: Factor,
    pub b: Factor,
    /// A bound on `sum a * b` that follows from other constraints of the op and is tighter than the intervals of the
    /// factors; the op's documentation proves it.
    pub proven: Option<Interval>,
}

/// `linear + sum of products = 0` over the integers, for every cell of `space`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    pub name: String,
    pub space: Space,
    pub linear: LinExpr,
    pub products: Vec<Product>,
}

/// For every cell of `space`, the tuple of entries is a row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    pub name: String,
    pub table: TableId,
    pub space: Space,
    pub entries: Vec<LinExpr>,
}
