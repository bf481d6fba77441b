//! A step: the real value of one unit of a tensor, as a monomial in free steps.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Index of a free step.
pub type StepId = usize;

/// `coef * product of free steps to integer powers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub coef: f64,
    pub powers: BTreeMap<StepId, i32>,
}

impl Step {
    pub fn constant(coef: f64) -> Self {
        Self { coef, powers: BTreeMap::new() }
    }

    pub fn free(id: StepId) -> Self {
        Self { coef: 1.0, powers: BTreeMap::from([(id, 1)]) }
    }

    pub fn is_constant(&self) -> bool {
        self.powers.is_empty()
    }

    pub fn contains(&self, id: StepId) -> bool {
        self.powers.contains_key(&id)
    }

    /// The free step that stands here alone, up to a constant.
    pub fn alone(&self) -> Option<StepId> {
        match self.powers.iter().next() {
            Some((&id, 1)) if self.powers.len() == 1 => Some(id),
            _ => None,
        }
    }

    pub fn times(&self, other: &Self) -> Self {
        let mut powers = self.powers.clone();
        for (&id, &k) in &other.powers {
            *powers.entry(id).or_insert(0) += k;
        }
        powers.retain(|_, k| *k != 0);
        Self { coef: self.coef * other.coef, powers }
    }

    pub fn scaled(&self, c: f64) -> Self {
        Self { coef: self.coef * c, powers: self.powers.clone() }
    }

    /// The monomial at the given values of the free steps: factors in ascending order of id, one multiplication or
    /// division at a time, so that every machine gets the same bits.
    pub fn at(&self, free: &[f64]) -> f64 {
        let mut v = self.coef;
        for (&id, &k) in &self.powers {
            for _ in 0..k.unsigned_abs() {
                v = if k > 0 { v * free[id] } else { v / free[id] };
            }
        }
        v
    }
}
