//! Exponentials, logarithms and powers.

use super::{Real, Signed};

/// ln 2 over 2^64, truncated.
const LN2: u128 = 0xb172_17f7_d1cf_79ab;

impl Real {
    /// `exp(-self)`: zero from 2^20 up.
    ///
    /// The argument is taken to 2^-64 and ln 2 as often as it goes in, so the relative error is below 2^-59 + 2^-63
    /// self: 2^-50 up to 2^12, beyond which the result is below 2^-5900.
    pub fn exp_neg(self) -> Self {
        let Some(x) = self.fixed().filter(|x| x >> 84 == 0) else { return Self::ZERO };
        // x = k ln 2 + r, exp(-x) = 2^-k exp(-r); exp(-r) = 1 / exp(r), a series of positive terms.
        let (k, r) = (x / LN2, x % LN2);
        Self::new(1 << 64, -64).over(exp_series(r)).shifted(-(k as i32))
    }

    /// `exp(self)`: `None` from 2^20 up, where no table goes. Relative error as of [`Real::exp_neg`].
    pub fn exp(self) -> Option<Self> {
        let x = self.fixed().filter(|x| x >> 84 == 0)?;
        let (k, r) = (x / LN2, x % LN2);
        Some(exp_series(r).shifted(k as i32))
    }

    /// `exp(self) - 1` for `self <= 1`, by the series: no leading digits cancel.
    pub(super) fn exp_less_one(self) -> Self {
        let (mut term, mut sum) = (self, self);
        for n in 2..40 {
            term = term.times(self).over(Self::int(n));
            let next = sum.plus(term);
            if next == sum {
                break;
            }
            sum = next;
        }
        sum
    }

    /// The natural logarithm.
    ///
    /// `self = 2^k m` with m in [1, 2), below one `2^-k m` with m in [1/2, 1): `k ln 2` and `|ln m| = 2 artanh(|m - 1| /
    /// (m + 1))` then have one sign, so nothing cancels.
    ///
    /// # Panics
    /// If it is zero.
    pub fn ln(self) -> Signed {
        assert!(!self.is_zero(), "the logarithm of zero");
        let one = Self::int(1);
        let negative = !self.at_least(one);
        let k = self.e + 63 + negative as i32;
        let m = self.shifted(-k);
        let z = if negative { one.minus(m) } else { m.minus(one) }.over(m.plus(one));
        let z2 = z.times(z);
        // z <= 1/3: each term is below a ninth of the one before.
        let (mut power, mut sum) = (z, z);
        for n in 1..24 {
            power = power.times(z2);
            sum = sum.plus(power.over(Self::int(2 * n + 1)));
        }
        let whole = Self::int(k.unsigned_abs() as u64).times(Self::new(LN2, -64));
        Signed { negative, abs: whole.plus(sum.shifted(1)) }
    }

    /// `self^(-k/n)`: the frequencies of a rotary embedding are those of its base. Zero where the result is below
    /// `exp(-2^20)`, `None` where it is above `exp(2^20)`.
    ///
    /// Relative error below 2^-50 while the result lies in [exp(-2^6), exp(2^6)]: that of the logarithm, below 2^-57, times
    /// the exponent.
    ///
    /// # Panics
    /// If it or `n` is zero.
    pub fn pow_neg(self, k: u64, n: u64) -> Option<Self> {
        let ln = self.ln();
        let y = ln.abs.times(Self::int(k)).over(Self::int(n));
        match ln.negative {
            true => y.exp(),
            false => Some(y.exp_neg()),
        }
    }
}

/// `exp(r / 2^64)` for `r < ln 2 * 2^64`.
fn exp_series(r: u128) -> Real {
    let (mut term, mut sum) = (1u128 << 64, 1u128 << 64);
    for n in 1..40 {
        // term < 2^65 and r < 2^64: two halves keep the product in range.
        term = (((term >> 1) * r) >> 63) / n;
        if term == 0 {
            break;
        }
        sum += term;
    }
    Real::new(sum, -64)
}
