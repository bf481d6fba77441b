//! The gain `g = 2^23 sqrt(d) / sqrt(V / 2^12)`, and what the mean takes from every entry, `h = floor(e g / d)`.
//!
//! The table's g* is floor(2^22 sqrt(d) / sqrt(P (V' + 1) / 8)), the gain in class 2. V is 2^-14 times that in class 1 and
//! 2^16 times that in class 3, so
//!
//! ```text
//! g* + 2^7 = 2^8 g' + g''        g = 2^7 b1 g* + b2 g* + b3 g' = 2^15 g1 + g0
//! ```
//!
//! with g'' in RANGE(8), g0, g1 in RANGE(15): one value each. In class 0 the gain is 0. As P (V' + 1) > U, g <= 2^23
//! sqrt(d) / sqrt(V / 2^12), but for 1/2 by the rounding in class 3.
//!
//! h is a long division of e g by d in two digits, since e g reaches 2^41:
//!
//! ```text
//! e g1 = d h1 + r1        2^15 r1 + e g0 = d h0 + r0        r0, r1 in [0, d)        h = 2^15 h1 + h0
//! ```
//!
//! Then d h + r0 = e g: h is the floor, and each digit has one value. |e| <= d/2 puts h1 into [-2^14, 2^14) and h0 into
//! [-2^14, 2^15 + 2^14).
//!
//! **Why nothing wraps.** P (V' + 1) > U >= 2^14 in classes 1 and 2, so b1 g* and b2 g* are at most 2^24 sqrt(d) / 2^7.5 <=
//! 2^22.5: their proven bound, for without it P V' = 1 would allow 2^29. So the gain's relation stays within 2^30 + 2^24,
//! those of h within 2^28 + 2^27 + 2^26 by the ranges of the cells, and g < 2^30.

use super::normalise::Leading;
use super::{bit_length, remainder, Cells, Frame, Norm};
use crate::elem::Interval;
use crate::lower::ctx::Ctx;
use crate::plan::{LinExpr, Product};
use crate::tables::real::isqrt;

/// Bits of g0 and of g1.
const HALF: u32 = 15;
/// log2 of the gain of class 1 in that of class 2, and of class 2 in that of class 3.
const UP: u32 = 7;
const DOWN: u32 = 8;
/// U of classes 1 and 2 is at least this.
const LEAST_LOG_U: u32 = 14;

/// g1 and g0.
pub(super) struct Gain {
    high: LinExpr,
    low: LinExpr,
}

impl Gain {
    pub fn whole(&self) -> LinExpr {
        self.high.scaled(1 << HALF).plus(self.low.clone())
    }
}

impl Norm {
    /// The largest g* in classes 1 and 2.
    fn largest_gain(&self) -> i64 {
        let t = self.table();
        isqrt(((t.len as u128) << (2 * t.log_gain)) >> (t.shift + LEAST_LOG_U)) as i64
    }

    /// Bits of g'.
    fn coarse_bits(&self) -> u32 {
        bit_length((self.table().gain(1, 1) + (1 << (DOWN - 1))) >> DOWN)
    }

    pub(super) fn gain(&self, leading: &Leading<i64>, cells: &mut Cells) -> i64 {
        let [b1, b2, b3] = leading.class;
        let rounded = leading.g + (1 << (DOWN - 1));
        cells.push(rounded & ((1 << DOWN) - 1));
        cells.limbs(rounded >> DOWN, self.coarse_bits());
        let g = (b1 << UP) * leading.g + b2 * leading.g + b3 * (rounded >> DOWN);
        cells.push(g >> HALF);
        cells.push(g & ((1 << HALF) - 1));
        g
    }

    /// h
    pub(super) fn offset(&self, e: i64, g: i64, cells: &mut Cells) -> i64 {
        if !self.centred {
            return 0;
        }
        let d = self.d as i64;
        let high = e * (g >> HALF);
        let low = (high.rem_euclid(d) << HALF) + e * (g & ((1 << HALF) - 1));
        for v in [high, low] {
            cells.push(v.div_euclid(d));
            cells.push(v.rem_euclid(d));
        }
        (high.div_euclid(d) << HALF) + low.div_euclid(d)
    }
}

pub(super) fn lower(ctx: &mut Ctx, spec: &Norm, f: &Frame, leading: &Leading<LinExpr>) -> Gain {
    let [b1, b2, b3] = &leading.class;
    // g* + 2^7 - 2^8 g' - g'' = 0
    let rest = ctx.range_cell("g''", &f.rows, DOWN);
    let coarse = ctx.limb_cells("g'", &f.rows, spec.coarse_bits());
    let right = coarse.scaled(1 << DOWN).plus(ctx.cells(rest));
    let left = leading.g.clone().plus_constant(1 << (DOWN - 1));
    ctx.constraint("coarse gain", &f.rows, left.plus(right.scaled(-1)), vec![]);

    let [high, low] = ["g1", "g0"].map(|role| {
        let g = ctx.range_cell(role, &f.rows, HALF);
        ctx.cells(g)
    });
    let g = Gain { high, low };
    let most = Some(Interval::new(0, spec.largest_gain()));
    let fine = Product { coef: 1 << UP, ..f.product(b1, &leading.g, most) };
    let parts = vec![fine, f.product(b2, &leading.g, most), f.product(b3, &coarse, None)];
    ctx.constraint("gain", &f.rows, g.whole().scaled(-1), parts);
    g
}

/// h over the rows.
pub(super) fn lower_offset(ctx: &mut Ctx, spec: &Norm, f: &Frame, e: &LinExpr, g: &Gain) -> LinExpr {
    let d = spec.d as i64;
    let quarter = 1i64 << (HALF - 1);
    // e g1 - d h1 - r1 = 0
    let h1 = ctx.interval_cell("h1", &f.rows, Interval::new(-quarter, quarter - 1));
    let h1 = ctx.cells(h1);
    let r1 = remainder(ctx, "r1", &f.rows, spec.d);
    let right = h1.scaled(d).plus(r1.clone());
    ctx.constraint("high offset", &f.rows, right.scaled(-1), vec![f.product(e, &g.high, None)]);
    // 2^15 r1 + e g0 - d h0 - r0 = 0
    let h0 = ctx.interval_cell("h0", &f.rows, Interval::new(-quarter, 3 * quarter - 1));
    let h0 = ctx.cells(h0);
    let r0 = remainder(ctx, "r0", &f.rows, spec.d);
    let left = r1.scaled(1 << HALF).plus(h0.scaled(-d)).plus(r0.scaled(-1));
    ctx.constraint("low offset", &f.rows, left, vec![f.product(e, &g.low, None)]);
    h1.scaled(1 << HALF).plus(h0)
}
