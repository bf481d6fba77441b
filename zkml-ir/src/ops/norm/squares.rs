//! `sum c^2`, which reaches 2^44, exactly and in digits: `2^16 high + low`, low in RANGE(16).
//!
//! *Direct*, where d |c|^2 <= 2^28: high and low are quotient and remainder of the sum, an einsum. *Split* otherwise:
//! c = 2^8 h + l with a cell h and l = c - 2^8 h looked up in RANGE(8), so h has one value, floor(c / 2^8). Then
//!
//! ```text
//! sum l^2 = 2^9 a1 + s0        sum h l + a1 = 2^7 a2 + s1        high = sum h^2 + a2        low = 2^9 s1 + s0
//! ```
//!
//! with s0 in RANGE(9), s1 in RANGE(7), is `sum c^2 = 2^16 sum h^2 + 2^9 sum h l + sum l^2` digit by digit: each is a
//! quotient or a remainder, so all have one value. high is virtual.
//!
//! **Why nothing wraps.** 0 <= l < 2^8 gives sum l^2 <= d 255^2 < 2^28, and with |h| <= 2^8 (as |c| < 2^16) sum h l lies
//! within 2^8 255 d < 2^28: the products' proven bounds, since the checker does not know l's range. sum h^2: |h| < |c| /
//! 2^8 + 1, the Euclidean norm of c is at most sqrt(d) (W + 1) / 2 for entries in an interval of width W (Popoviciu, and
//! 1/2 for the rounding of the mean), so sum h^2 <= d ((W + 1) / 2^9 + 1)^2 <= 2^26.03. Without a mean |h| <= 2^7 says it.

use super::{bit_length, ceil_log2, Cells, Frame, Norm, RowSums};
use crate::elem::Interval;
use crate::lower::ctx::Ctx;
use crate::plan::{LinExpr, Product};

/// `sum c^2` of a row whose entries need no split.
const MAX_DIRECT: i64 = 1 << 28;
/// Bits of l.
pub(super) const SPLIT: u32 = 8;
/// Bits of s0: those below 2 sum h l.
const LOW: u32 = SPLIT + 1;
/// Bits of low.
pub(super) const DIGIT: u32 = 2 * SPLIT;
/// The largest l.
const MAX_L: i64 = (1 << SPLIT) - 1;

/// `sum c^2 = 2^16 high + low`, high with products.
pub(super) struct Square {
    pub low: LinExpr,
    pub high: LinExpr,
    pub products: Vec<Product>,
}

impl Norm {
    fn largest_square(&self) -> i64 {
        self.d as i64 * self.reach() * self.reach()
    }

    pub(super) fn is_split(&self) -> bool {
        self.largest_square() > MAX_DIRECT
    }

    /// -2^k <= h < 2^k
    fn high_bits(&self) -> u32 {
        // Of |c| or, without a mean, of x, where the lower end is one further out.
        let end = if self.centred { self.reach() + 1 } else { self.x.lo.abs().max(self.x.hi + 1) };
        ceil_log2((end as u64).div_ceil(1 << SPLIT))
    }

    fn largest_low_square(&self) -> i64 {
        self.d as i64 * MAX_L * MAX_L
    }

    /// Bits of a1.
    fn carry_bits(&self) -> u32 {
        bit_length(self.largest_low_square() >> LOW)
    }

    /// |sum h l|
    fn largest_cross(&self) -> i64 {
        (self.d as i64 * MAX_L) << self.high_bits()
    }

    fn largest_high_square(&self) -> i64 {
        let (d, most) = (self.d as i64, 1i64 << self.high_bits());
        match self.centred {
            true => {
                let h = (self.x.width() + 1 + (2 << SPLIT) - 1) >> (SPLIT + 1);
                d * most.min(h + 1).pow(2)
            }
            false => d * most * most,
        }
    }

    /// -2^k <= a2 < 2^k
    fn cross_carry_bits(&self) -> u32 {
        bit_length((self.largest_cross() >> (DIGIT - LOW)) + 1)
    }

    /// Cells of the sums of squares; those of the entries' high digits have their place before them.
    pub(super) fn square(&self, sums: &RowSums, cells: &mut Cells) {
        let RowSums { squares, low_squares: ll, cross, .. } = *sums;
        if !self.is_split() {
            cells.push(squares & ((1 << DIGIT) - 1));
            cells.push(squares >> DIGIT);
            return;
        }
        cells.leave_out();
        cells.push(ll & ((1 << LOW) - 1));
        cells.limbs(ll >> LOW, self.carry_bits());
        let hl = cross + (ll >> LOW);
        cells.push(hl & ((1 << (DIGIT - LOW)) - 1));
        let bits = self.cross_carry_bits();
        cells.limbs((hl >> (DIGIT - LOW)) + (1 << bits), bits + 1);
    }

    /// What a row's cells follow from.
    pub(super) fn sums(&self, x: &[i32]) -> RowSums {
        let sum = x.iter().map(|&x| x as i64).sum();
        let mu = self.mean(sum);
        let mut sums = RowSums { sum, ..RowSums::default() };
        for &x in x {
            let c = x as i64 - mu;
            let (h, l) = (c >> SPLIT, c & MAX_L);
            sums.squares += c * c;
            sums.low_squares += l * l;
            sums.cross += h * l;
        }
        sums
    }
}

pub(super) fn lower(ctx: &mut Ctx, spec: &Norm, f: &Frame, c: &LinExpr) -> Square {
    let digit = 1i64 << DIGIT;
    if !spec.is_split() {
        // sum c^2 - 2^16 high - low = 0
        let sum = f.dot(c, c, Interval::new(0, spec.largest_square()));
        let low = ctx.range_cell("low", &f.rows, DIGIT);
        let high = ctx.range_cell("high", &f.rows, bit_length(spec.largest_square() >> DIGIT));
        let (low, high) = (ctx.cells(low), ctx.cells(high));
        let right = high.scaled(digit).plus(low.clone());
        ctx.constraint("squares", &f.rows, right.scaled(-1), vec![sum]);
        return Square { low, high, products: vec![] };
    }
    let most = 1i64 << spec.high_bits();
    let h = ctx.interval_cell("h", &f.space, Interval::new(-most, most - 1));
    let h = ctx.cells(h);
    let l = c.clone().plus(h.scaled(-(1 << SPLIT)));
    ctx.in_range("l", &f.space, SPLIT, l.clone());

    // sum l^2 - 2^9 a1 - s0 = 0
    let s0 = ctx.range_cell("s0", &f.rows, LOW);
    let s0 = ctx.cells(s0);
    let a1 = ctx.limb_cells("a1 ", &f.rows, spec.carry_bits());
    let right = a1.scaled(1 << LOW).plus(s0.clone());
    let ll = f.dot(&l, &l, Interval::new(0, spec.largest_low_square()));
    ctx.constraint("low squares", &f.rows, right.scaled(-1), vec![ll]);

    // sum h l + a1 - 2^7 a2 - s1 = 0
    let s1 = ctx.range_cell("s1", &f.rows, DIGIT - LOW);
    let s1 = ctx.cells(s1);
    let bits = spec.cross_carry_bits();
    let a2 = ctx.limb_cells("a2 ", &f.rows, bits + 1).plus_constant(-(1 << bits));
    let right = a2.scaled(1 << (DIGIT - LOW)).plus(s1.clone());
    let cross = spec.largest_cross();
    let hl = f.dot(&h, &l, Interval::new(-cross, cross));
    ctx.constraint("cross products", &f.rows, a1.plus(right.scaled(-1)), vec![hl]);

    let hh = f.dot(&h, &h, Interval::new(0, spec.largest_high_square()));
    Square { low: s1.scaled(1 << LOW).plus(s0), high: a2, products: vec![hh] }
}
