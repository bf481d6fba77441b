//! Sine and cosine.

use super::{Real, Signed};

/// Bits after the point of a reduced angle.
const POINT: i32 = 104;
/// pi/2 over 2^104, truncated.
const QUARTER: u128 = 0x192_1fb5_4442_d184_6989_8cc5_1701;

impl Real {
    /// 2 pi.
    pub fn full_turn() -> Self {
        Self::new(QUARTER, 2 - POINT)
    }

    /// `(sin, cos)` of an angle in radians; `None` from 2^20 up. Absolute errors below 2^-58.
    ///
    /// The angle is reduced by whole quarters of a turn in integers of 104 bits after the point. At most 2^20 quarters come
    /// off, so the truncated pi/2 moves the rest by less than 2^-84; an angle from 2^-40 up loses no bit of its own.
    pub fn sin_cos(self) -> Option<(Signed, Signed)> {
        let x = self.angle()?;
        let (quarters, rest) = (x / QUARTER, x % QUARTER);
        // The series get at most an eighth of a turn.
        let mirrored = 2 * rest > QUARTER;
        let r = Self::new(if mirrored { QUARTER - rest } else { rest }, -POINT);
        let (mut sin, mut cos) = r.series();
        if mirrored {
            (sin, cos) = (cos, sin);
        }
        // Quarter by quarter: (s, c), (c, -s), (-s, -c), (-c, s).
        let (second, third) = (quarters & 1 == 1, quarters & 2 == 2);
        if second {
            (sin, cos) = (cos, sin);
        }
        Some((Signed { negative: third, abs: sin }, Signed { negative: second != third, abs: cos }))
    }

    /// `floor(self * 2^104)` below 2^20.
    fn angle(self) -> Option<u128> {
        match self.e + POINT {
            _ if self.is_zero() => Some(0),
            k if k > POINT + 20 - 64 => None,
            k if k >= 0 => Some((self.m as u128) << k),
            k if k > -64 => Some(self.m as u128 >> -k),
            _ => Some(0),
        }
    }

    /// `(sin, cos)` of at most pi/4: the terms of each sign summed by themselves, then subtracted. The difference is more
    /// than two thirds of the larger sum, so it keeps its digits.
    fn series(self) -> (Self, Self) {
        let mut sums = [Self::int(1), self, Self::ZERO, Self::ZERO];
        let mut term = self;
        for n in 2..24usize {
            term = term.times(self).over(Self::int(n as u64));
            sums[n % 4] = sums[n % 4].plus(term);
        }
        (sums[1].minus(sums[3]), sums[0].minus(sums[2]))
    }
}
