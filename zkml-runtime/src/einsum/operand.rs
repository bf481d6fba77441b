//! One operand of a product during the sumcheck.
//!
//! An operand of which no axis is folded consists of the model's own integers. Squares and element-wise products are of
//! this kind, as long as the tensors they are of. Their first round, half of all the work, then needs integer arithmetic
//! only, and none of it in the extension field ("small-value" sumcheck: Dao and Thaler, eprint 2024/1046, section 3).

use super::fold::{reduce, Role};
use super::prover::bind;
use crate::cells::{walk, Cells, Loops, Step};
use crate::claims::embed;
use crate::field::F;
use num_traits::Zero;
use std::ops::Range;
use stwo::core::fields::m31::BaseField;
use zkml_ir::plan::{Axis, LinExpr, Plan};

#[derive(Clone)]
pub(super) enum Operand {
    /// Integers below [`SMALL`], before the first round.
    Ints(Vec<i32>),
    Field(Vec<F>),
}

/// Sums of up to 2^20 products of differences of integers below it stay within 64 bits.
const SMALL: i64 = 1 << 20;
const LONGEST: usize = 1 << 20;

impl Operand {
    /// `expr` over its axes, none of which is folded; `None` where one is, or values are large.
    pub fn ints<'a>(
        expr: &LinExpr,
        axes: &[Axis],
        roles: &[Role],
        len: usize,
        plan: &Plan,
        cells: impl Fn(usize) -> &'a Cells,
    ) -> Option<Self> {
        let strides = roles.iter().map(|role| match role {
            Role::Kept { stride } => Some(*stride),
            Role::Folded(_) => None,
        });
        let strides: Vec<usize> = strides.collect::<Option<_>>()?;
        if len > LONGEST {
            return None;
        }
        let mut out = vec![0i64; len];
        if expr.constant != 0 {
            let kept = |(a, &out): (&Axis, &usize)| Step { extent: a.extent(), stride: 0, out };
            let steps: Vec<Step> = axes.iter().zip(&strides).map(kept).collect();
            walk(&steps, 0, 0, &mut |to, _| out[to] += expr.constant);
        }
        for term in &expr.terms {
            let stored = &plan.tensors[term.view.tensor].axes;
            let all: Vec<Axis> = axes.iter().chain(&term.summed).copied().collect();
            let loops = Loops::new(&term.view, stored, &all);
            let stride = |axis: usize| strides.get(axis).copied().unwrap_or(0);
            let start: usize = loops.start.iter().enumerate().map(|(axis, &i)| i * stride(axis)).sum();
            let extra = all.iter().enumerate().filter(|(axis, _)| loops.broadcast[*axis]);
            let extra = extra.map(|(axis, a)| Step { extent: a.extent(), stride: 0, out: stride(axis) });
            let own = loops.loops.iter().map(|l| Step {
                extent: l.extent,
                stride: l.stride,
                out: l.index * stride(l.axis),
            });
            let steps: Vec<Step> = extra.chain(own).collect();
            let (values, coef) = (cells(term.view.tensor), term.coef);
            match values {
                Cells::I8(v) => {
                    walk(&steps, loops.base, start, &mut |to, from| out[to] += coef * v[from] as i64)
                }
                Cells::I32(v) => {
                    walk(&steps, loops.base, start, &mut |to, from| out[to] += coef * v[from] as i64)
                }
            }
        }
        // Of what the cells are, not of what they should be: a wrong witness has a proof too, which does not verify.
        let small = out.iter().all(|v| v.abs() < SMALL);
        small.then(|| Self::Ints(out.into_iter().map(|v| v as i32).collect()))
    }

    /// Both as integers or both in the field.
    pub fn alike(a: Self, b: Self) -> [Self; 2] {
        match (&a, &b) {
            (Self::Ints(_), Self::Ints(_)) => [a, b],
            _ => [Self::Field(a.into_field()), Self::Field(b.into_field())],
        }
    }

    fn into_field(self) -> Vec<F> {
        match self {
            Self::Ints(v) => v.into_iter().map(|v| embed(v as i64)).collect(),
            Self::Field(v) => v,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Ints(v) => v.len(),
            Self::Field(v) => v.len(),
        }
    }

    /// The only value that is left.
    pub fn first(&self) -> F {
        match self {
            Self::Ints(v) => embed(v[0] as i64),
            Self::Field(v) => v[0],
        }
    }

    /// The sum of products over a range.
    pub fn dot(&self, other: &Self, range: Range<usize>) -> F {
        match (self, other) {
            (Self::Ints(a), Self::Ints(b)) => {
                let products = a[range.clone()].iter().zip(&b[range]);
                embed_wide(products.map(|(&a, &b)| a as i64 * b as i64).sum())
            }
            (Self::Field(a), Self::Field(b)) => {
                a[range.clone()].iter().zip(&b[range]).fold(F::zero(), |s, (a, b)| s + *a * *b)
            }
            _ => unreachable!("operands are alike"),
        }
    }

    /// Coefficients of `(a0 + a1 X)(b0 + b1 X)` summed over a range of the lower half, by Karatsuba.
    pub fn quadratic(&self, other: &Self, range: Range<usize>) -> [F; 3] {
        let half = self.len() / 2;
        let upper = range.start + half..range.end + half;
        let (low, high, mid) = match (self, other) {
            (Self::Ints(a), Self::Ints(b)) => {
                let (a0, a1) = (&a[range.clone()], &a[upper.clone()]);
                let (b0, b1) = (&b[range], &b[upper]);
                let (mut low, mut high, mut mid) = (0i64, 0i64, 0i64);
                for (((&a0, &a1), &b0), &b1) in a0.iter().zip(a1).zip(b0).zip(b1) {
                    low += a0 as i64 * b0 as i64;
                    high += (a1 - a0) as i64 * (b1 - b0) as i64;
                    mid += a1 as i64 * b1 as i64;
                }
                (embed_wide(low), embed_wide(high), embed_wide(mid))
            }
            (Self::Field(a), Self::Field(b)) => {
                let (mut low, mut high, mut mid) = (F::zero(), F::zero(), F::zero());
                for j in range {
                    let (a0, b0) = (a[j], b[j]);
                    low += a0 * b0;
                    high += (a[j + half] - a0) * (b[j + half] - b0);
                    mid += a[j + half] * b[j + half];
                }
                (low, high, mid)
            }
            _ => unreachable!("operands are alike"),
        };
        [low, mid - low - high, high]
    }

    /// Binds the first variable.
    pub fn bind(&mut self, r: F) {
        match self {
            Self::Field(v) => bind(v, r),
            Self::Ints(v) => {
                let (low, high) = v.split_at(v.len() / 2);
                let at = |(&a, &b): (&i32, &i32)| r * BaseField::from(b - a) + BaseField::from(a);
                *self = Self::Field(low.iter().zip(high).map(at).collect());
            }
        }
    }
}

/// A sum of 64 bits in the field.
fn embed_wide(v: i64) -> F {
    reduce([v, 0, 0, 0])
}
