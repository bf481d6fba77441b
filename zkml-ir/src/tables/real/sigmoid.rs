//! Functions that rise between two limits, and the gates `x * f(x)` made of them.
//!
//! Where the limits are 0 and 1, each gives the value at `self` and at `-self`. All but erf's compute a tail by itself, not
//! as what is missing to one, and so keep its digits.

use super::Real;

/// 2 / sqrt(pi) = 1.128379..
const TWO_OVER_SQRT_PI: Real = Real { m: 0x906e_ba82_14db_688d, e: -63 };
/// sqrt(1/2) = 0.7071..
const SQRT_HALF: Real = Real { m: 0xb504_f333_f9de_6484, e: -64 };

impl Real {
    /// `erf(self)` by `2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!`, all terms positive; 1 from 7 up, where
    /// `1 - erf < 2^-73`.
    pub fn erf(self) -> Self {
        if self.at_least(Self::int(7)) {
            return Self::int(1);
        }
        let x2 = self.times(self).shifted(1);
        let (mut term, mut sum) = (self, self);
        for n in 1..400u64 {
            term = term.times(x2).over(Self::int(2 * n + 1));
            let next = sum.plus(term);
            if next == sum {
                break;
            }
            sum = next;
        }
        sum.times(self.times(self).exp_neg()).times(TWO_OVER_SQRT_PI)
    }

    /// `x Phi(x)` of `x = self` and of `x = -self`, both by absolute value. The second is good to 2^-58 of `self`, not of
    /// itself: Phi(-x) is what is missing to one.
    pub fn gelu(self) -> (Self, Self) {
        let erf = self.times(SQRT_HALF).erf();
        let one = Self::int(1);
        let (up, down) = (one.plus(erf).shifted(-1), one.minus(erf).shifted(-1));
        (self.times(up), self.times(down))
    }

    /// `1 / (1 + exp(-x))` of `x = self` and of `x = -self`.
    pub fn sigmoid(self) -> (Self, Self) {
        let small = self.exp_neg();
        let all = Self::int(1).plus(small);
        (Self::int(1).over(all), small.over(all))
    }

    /// `x sigmoid(x)` of `x = self` and of `x = -self`, both by absolute value.
    pub fn silu(self) -> (Self, Self) {
        let (up, down) = self.sigmoid();
        (self.times(up), self.times(down))
    }

    /// `tanh(self) = (1 - t) / (1 + t)` with `t = exp(-2 self)`; near zero `u / (u + 2)` with `u = exp(2 self) - 1`.
    pub fn tanh(self) -> Self {
        let (twice, one) = (self.shifted(1), Self::int(1));
        if twice.at_least(one) {
            let t = twice.exp_neg();
            return one.minus(t).over(one.plus(t));
        }
        let u = twice.exp_less_one();
        u.over(u.plus(Self::int(2)))
    }

    /// The tanh form of GELU, `x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2`, of `x = self` and of `x = -self`, both by
    /// absolute value: `(1 + tanh(u)) / 2 = sigmoid(2u)`. The relative error of the second is that of u, below 2^-59, times
    /// 2u: 2^-50 as long as it exceeds 2^-700 of `self`.
    pub fn gelu_tanh(self) -> (Self, Self) {
        let cubic = self.times(self).times(self).times(Self::int(44_715)).over(Self::int(1_000_000));
        let u = self.plus(cubic).times(TWO_OVER_SQRT_PI).times(SQRT_HALF);
        let (up, down) = u.shifted(1).sigmoid();
        (self.times(up), self.times(down))
    }
}
