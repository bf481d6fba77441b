//! The variance V to floating point: `U = P V' + t2`, 0 <= t2 < P = 4^e, V' in [2^11, 2^13) or e = 0.
//!
//! V < 2^55 in digits of 11, 14, 14 and 16 bits, `V = w0 + 2^11 w1 + 2^25 w2 + 2^39 w3`:
//!
//! ```text
//! 2^12 low - 2^(12-a) y + (E mod 2^25) = w0 + 2^11 w1 + 2^25 k        8 high + k + floor(E / 2^25) = w2 + 2^14 w3
//! ```
//!
//! are quotients and remainders, so all have one value. Both sides stay below 2^28 + 2^25 + 2^22 and 2^29.1 + 2^27 + 2^24;
//! k lies in [-1, 8].
//!
//! The leading digit w_q picks one of four classes, q = 0 where V < 2^11:
//!
//! ```text
//! b0 + b1 + b2 + b3 = 1, each in RANGE(1)        w1 + w2 + w3 = (b1 + b2 + b3) w1 + (b2 + b3) w2 + b3 w3
//! lead = b0 + b1 w1 + b2 w2 + b3 w3              lead - 1 in RANGE(16)
//! U = 2^12 b0 + b1 (2^14 w1 + 8 w0) + b2 (2^14 w2 + w1) + b3 (2^12 w3 + floor(w2 / 4))
//! ```
//!
//! Exactly one b is 1. No term on the right of the second relation exceeds its digit, so b_q = 1 says that the digits above
//! q are zero; the third says that w_q >= 1, or q = 0. So q is the leading digit, and one choice is possible. V is 2^-3 U,
//! 2^11 U, 2^27 U in classes 1, 2, 3, but for what the floor drops. P and V' are fixed by (RSQRT, P, V', g), t2 and
//! P - 1 - t2 in RANGE(16), because the intervals P V'..P (V' + 1) partition [1, 2^29), where U lies.
//!
//! **Why nothing wraps**: digits, b and P V' < 2^29 are small enough by their ranges; the relation of U stays above
//! -2^30 - 2^16 and below 2^30.

use super::squares::{Square, DIGIT};
use super::{Cells, Frame, Norm, FRACTION};
use crate::elem::Interval;
use crate::lower::ctx::Ctx;
use crate::plan::{LinExpr, Product};
use crate::tables::{Rsqrt, Table};

/// Bits of w0 and of w1, w2; w3 has 16.
const W0: u32 = FRACTION - 1;
const W: u32 = 14;
const W3: u32 = 16;
/// Where w2 and w3 begin.
const AT2: u32 = W0 + W;
/// w2 = 4 w2' + w2''
const CUT: u32 = 2;
/// k + 1 in RANGE(4)
const CARRY_BITS: u32 = 4;

/// The class, a number or three indicators and what is left, and the gain of the table.
pub(super) struct Leading<T> {
    /// b1, b2, b3
    pub class: [T; 3],
    pub g: T,
}

impl Norm {
    pub(super) fn table(&self) -> Rsqrt {
        // 2^22 sqrt(d) / sqrt(P V' / 8), which is the gain in class 2
        Rsqrt { len: self.d as u32, shift: 1, log_gain: 24 }
    }

    /// V from the sum of squares and its correction: its digits, its class, and U as a float.
    pub(super) fn leading(&self, square: i64, correction: i64, cells: &mut Cells) -> Leading<i64> {
        let mask = |bits: u32| (1i64 << bits) - 1;
        let low = ((square & mask(DIGIT)) << FRACTION) - correction + (self.epsilon & mask(AT2));
        let v = (square << FRACTION) - correction + self.epsilon;
        let [w0, w1] = [v & mask(W0), v >> W0 & mask(W)];
        let [w2, w3] = [v >> AT2 & mask(W), v >> (AT2 + W)];
        cells.push(low >> AT2);
        [w0, w1, w2 & mask(CUT), w2 >> CUT, w3].into_iter().for_each(|w| cells.push(w));

        let q = [w1, w2, w3].iter().rposition(|&w| w > 0).map_or(0, |q| q + 1);
        (0..3).for_each(|i| cells.push((q == i) as i64));
        cells.push([1, w1, w2, w3][q]);
        let u = [1 << 12, (w1 << W) + (w0 << 3), (w2 << W) + w1, (w3 << 12) + (w2 >> CUT)][q];
        let (p, high) = Rsqrt::normalise(u);
        let g = self.table().gain(p, high);
        [p, high, g, u - p * high].into_iter().for_each(|v| cells.push(v));
        Leading { class: [1, 2, 3].map(|i| (q == i) as i64), g }
    }
}

pub(super) fn lower(
    ctx: &mut Ctx,
    spec: &Norm,
    f: &Frame,
    square: Square,
    correction: Option<LinExpr>,
) -> Leading<LinExpr> {
    let w = digits(ctx, spec, f, square, correction);
    let [w0, w1, w2_low, w2_high, w3] = &w;
    let w2 = w2_low.clone().plus(w2_high.scaled(1 << CUT));

    let [b0, b1, b2] = ["b0", "b1", "b2"].map(|role| {
        let b = ctx.range_cell(role, &f.rows, 1);
        ctx.cells(b)
    });
    // What is left for the classes above.
    let above0 = b0.scaled(-1).plus_constant(1);
    let above1 = above0.clone().plus(b1.scaled(-1));
    let b3 = above1.clone().plus(b2.scaled(-1));
    ctx.in_range("b3", &f.rows, 1, b3.clone());
    let product = |a: &LinExpr, b: &LinExpr, coef: i64| Product { coef, ..f.product(a, b, None) };
    let within = vec![product(&above0, w1, -1), product(&above1, &w2, -1), product(&b3, w3, -1)];
    ctx.constraint("class", &f.rows, w1.clone().plus(w2.clone()).plus(w3.clone()), within);
    let lead = ctx.interval_cell("lead", &f.rows, Interval::new(1, 1 << W3));
    let lead = ctx.cells(lead).scaled(-1).plus(b0.clone());
    let leading = vec![product(&b1, w1, 1), product(&b2, &w2, 1), product(&b3, w3, 1)];
    ctx.constraint("leading digit", &f.rows, lead, leading);

    let table = Table::Rsqrt(spec.table());
    let first = ctx.plan.lookups.len();
    let [p, v, g] = [("p", 0), ("v", 1), ("g", 2)].map(|(role, entry)| {
        let cell = ctx.cell_bound_by(role, &f.rows, table.entry_range(entry), first, entry);
        ctx.cells(cell)
    });
    let rsqrt = ctx.shared_table(table);
    ctx.lookup("rsqrt", rsqrt, &f.rows, vec![p.clone(), v.clone(), g.clone()]);
    let t2 = ctx.range_cell("t2", &f.rows, 16);
    let t2 = ctx.cells(t2);
    ctx.in_range("p - 1 - t2", &f.rows, 16, p.clone().plus_constant(-1).plus(t2.scaled(-1)));

    // U - P V' - t2 = 0
    let u1 = w1.scaled(1 << W).plus(w0.scaled(1 << (W - W0)));
    let u2 = w2.scaled(1 << W).plus(w1.clone());
    let u3 = w3.scaled(1 << (W - CUT)).plus(w2_high.clone());
    let u = vec![product(&b1, &u1, 1), product(&b2, &u2, 1), product(&b3, &u3, 1), product(&p, &v, -1)];
    ctx.constraint("leading digits", &f.rows, b0.scaled(1 << (W - CUT)).plus(t2.scaled(-1)), u);
    Leading { class: [b1, b2, b3], g }
}

/// Of V: w0, w1, the low and the high part of w2, w3.
fn digits(
    ctx: &mut Ctx,
    spec: &Norm,
    f: &Frame,
    square: Square,
    correction: Option<LinExpr>,
) -> [LinExpr; 5] {
    let k = ctx.interval_cell("k", &f.rows, Interval::new(-1, (1 << CARRY_BITS) - 2));
    let k = ctx.cells(k);
    let roles = [("w0", W0), ("w1", W), ("w2 low", CUT), ("w2 high", W - CUT), ("w3", W3)];
    let w = roles.map(|(role, bits)| {
        let w = ctx.range_cell(role, &f.rows, bits);
        ctx.cells(w)
    });

    let left = square.low.scaled(1 << FRACTION).plus_constant(spec.epsilon & ((1 << AT2) - 1));
    let left = correction.into_iter().fold(left, |left, y| left.plus(y.scaled(-1)));
    let right = w[0].clone().plus(w[1].scaled(1 << W0)).plus(k.scaled(1 << AT2));
    ctx.constraint("low digits", &f.rows, left.plus(right.scaled(-1)), vec![]);

    let unit = 1i64 << (FRACTION + DIGIT - AT2);
    let left = square.high.scaled(unit).plus(k).plus_constant(spec.epsilon >> AT2);
    let w2 = w[2].clone().plus(w[3].scaled(1 << CUT));
    let right = w2.plus(w[4].scaled(1 << W));
    let products = square.products.into_iter().map(|p| Product { coef: unit, ..p }).collect();
    ctx.constraint("high digits", &f.rows, left.plus(right.scaled(-1)), products);
    w
}
