//! The mean: its nearest integer mu, and what that leaves, `e = sum (x - mu)`.
//!
//! mu and t have one value, quotient and remainder of `sum x + floor(d/2)` by d: t is looked up in [0, d), the relation
//! stays below 2^29. c = x - mu and e = t - floor(d/2) are virtual, |e| <= d/2.
//!
//! y = floor(2^a e^2 / d) and its remainder alike. a <= 12 is the largest with 2^a floor(d/2)^2 <= 2^29, so that both
//! sides stay below 2^30 + 2^13; a square is not negative, which is the product's proven bound.

use super::{bit_length, remainder, Cells, Frame, Norm, FRACTION};
use crate::elem::Interval;
use crate::lower::ctx::Ctx;
use crate::lower::value::sum_last;
use crate::plan::LinExpr;

impl Norm {
    /// mu, 0 without a mean.
    pub(super) fn mean(&self, sum: i64) -> i64 {
        let d = self.d as i64;
        if self.centred {
            (sum + d / 2).div_euclid(d)
        } else {
            0
        }
    }

    /// e
    pub(super) fn centre(&self, sum: i64, cells: &mut Cells) -> i64 {
        if !self.centred {
            return 0;
        }
        let d = self.d as i64;
        let t = (sum + d / 2).rem_euclid(d);
        cells.push(self.mean(sum));
        cells.push(t);
        t - d / 2
    }

    /// The largest e^2.
    fn largest_rest(&self) -> i64 {
        let half = self.d as i64 / 2;
        half * half
    }

    /// a
    fn correction_bits(&self) -> u32 {
        (0..=FRACTION).rev().find(|a| self.largest_rest() << a <= 1 << 29).unwrap_or(0)
    }

    /// Bits of y.
    fn correction_width(&self) -> u32 {
        bit_length((self.largest_rest() << self.correction_bits()) / self.d as i64)
    }

    /// 2^(12-a) y
    pub(super) fn correction(&self, e: i64, cells: &mut Cells) -> i64 {
        if !self.centred {
            return 0;
        }
        let (d, a) = (self.d as i64, self.correction_bits());
        let square = (e * e) << a;
        let y = square / d;
        cells.limbs(y, self.correction_width());
        cells.push(square % d);
        y << (FRACTION - a)
    }
}

/// c over the entries and e over the rows.
pub(super) fn lower(ctx: &mut Ctx, spec: &Norm, f: &Frame, x: &LinExpr) -> (LinExpr, LinExpr) {
    let d = spec.d as i64;
    // sum x + floor(d/2) - d mu - t = 0
    let mu = ctx.interval_cell("mu", &f.rows, spec.x);
    let mu = ctx.cells(mu);
    let t = remainder(ctx, "t", &f.rows, spec.d);
    let sum = sum_last(x, f.entries).plus_constant(d / 2);
    ctx.constraint("mean", &f.rows, sum.plus(mu.scaled(-d)).plus(t.scaled(-1)), vec![]);
    (x.clone().plus(f.spread(&mu).scaled(-1)), t.plus_constant(-(d / 2)))
}

/// 2^(12-a) y over the rows.
pub(super) fn lower_correction(ctx: &mut Ctx, spec: &Norm, f: &Frame, e: &LinExpr) -> LinExpr {
    // 2^a e^2 - d y - t = 0
    let a = spec.correction_bits();
    let y = ctx.limb_cells("y", &f.rows, spec.correction_width());
    let t = remainder(ctx, "y rest", &f.rows, spec.d);
    let mut square = f.product(e, e, Some(Interval::new(0, spec.largest_rest())));
    square.coef = 1 << a;
    let right = y.scaled(spec.d as i64).plus(t);
    ctx.constraint("square of the rest", &f.rows, right.scaled(-1), vec![square]);
    y.scaled(1 << (FRACTION - a))
}
