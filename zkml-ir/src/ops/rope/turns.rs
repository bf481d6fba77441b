//! The angles of rotary embeddings, and their cosines and sines as integers.

use crate::tables::real::Real;

pub(super) struct Turns {
    pub theta: Real,
    /// d
    pub width: usize,
    /// The first position.
    pub start: usize,
    pub stretch: Option<Stretch>,
}

/// How turns that are slow over the original context become slower.
pub(super) struct Stretch {
    pub factor: Real,
    pub low: Real,
    pub high: Real,
    pub original: Real,
}

impl Stretch {
    fn apply(&self, turn: Real) -> Real {
        let over = self.original.times(turn).over(Real::full_turn());
        let slow = turn.over(self.factor);
        if over.at_least(self.high) {
            return turn;
        }
        if self.low.at_least(over) {
            return slow;
        }
        // (1 - s) slow + s turn
        let s = over.minus(self.low).over(self.high.minus(self.low));
        Real::int(1).minus(s).times(slow).plus(s.times(turn))
    }
}

impl Turns {
    /// The angle of one position to the next, for i < d/2.
    fn frequency(&self, i: usize) -> Real {
        // theta >= 1 and i < d/2: the power is defined.
        let turn = self.theta.pow_neg(2 * i as u64, self.width as u64).unwrap_or(Real::int(1));
        match &self.stretch {
            Some(s) => s.apply(turn),
            None => turn,
        }
    }

    /// `round(2^bits cos)` and `round(2^bits sin)` for every position and i, position by position.
    pub fn constants(&self, tokens: usize, bits: i32) -> (Vec<i32>, Vec<i32>) {
        let frequencies: Vec<Real> = (0..self.width / 2).map(|i| self.frequency(i)).collect();
        let unit = Real::int(1).shifted(-bits);
        let (mut cos, mut sin) = (vec![], vec![]);
        for p in self.start..self.start + tokens {
            for f in &frequencies {
                // Below 2^17 radians: no turn is faster than a radian a position.
                let angle = Real::int(p as u64).times(*f);
                let (s, c) = angle.sin_cos().expect("an angle below 2^20");
                cos.push(c.units(unit) as i32);
                sin.push(s.units(unit) as i32);
            }
        }
        (cos, sin)
    }
}
