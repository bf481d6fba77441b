//! The free steps of a graph and their unification.
//!
//! `+` equates the steps of its two sides. An equation is solved for a free step that stands alone on its side, does not
//! occur on the other, and may give way: the step of an I24 bias first, then that of a quantised tensor, then a weight's,
//! and an input's only against another input's or weight's. Among equals the latest gives way. So a bias takes the
//! accumulator's step, `x + quantize(h)` ties the quantised branch to x, and `x*x + x` (which would force the step of x
//! to be 1) is a contradiction.
//!
//! Only lone steps are solved for: in `matmul(x, w1) + matmul(y, w2)` one *could* force the step of y to that of
//! `x * w1 / w2`, but y would then clip or lose its resolution without a word in the source.

use super::step::{Step, StepId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// What a free step belongs to; later kinds give way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StepKind {
    Input,
    Weight,
    Quantized,
    /// An I24 weight: wide enough to take an accumulator's step.
    Bias,
}

/// The free steps of a graph and what unification found of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// For people: `x`, `w1`, `mlp.gelu`.
    pub names: Vec<String>,
    pub kinds: Vec<StepKind>,
    /// A step that unification expressed by others.
    pub solved: BTreeMap<StepId, Step>,
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum StepError {
    #[error("steps contradict: {left} against {right}")]
    Contradiction { left: String, right: String },
}

/// Constants that differ by rounding only are equal.
const COEF_TOLERANCE: f64 = 1e-9;

/// Far more factors than a product of integers below 2^30 has.
pub(super) const MAX_POWER: u32 = 64;

impl Steps {
    /// A new free step.
    pub fn fresh(&mut self, name: impl Into<String>, kind: StepKind) -> Step {
        self.names.push(name.into());
        self.kinds.push(kind);
        Step::free(self.names.len() - 1)
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether every step that is named exists and no solution leads back to its own step.
    pub(super) fn check(&self) -> Result<(), String> {
        let n = self.len();
        if self.kinds.len() != n {
            return Err(format!("{n} names, {} kinds", self.kinds.len()));
        }
        let named = self.solved.iter().flat_map(|(id, s)| s.powers.keys().chain([id]));
        if let Some(id) = named.into_iter().find(|&&id| id >= n) {
            return Err(format!("there is no step {id}, only {n}"));
        }
        let powers = self.solved.values().flat_map(|s| s.powers.values());
        if let Some(k) = powers.into_iter().find(|k| k.unsigned_abs() > MAX_POWER) {
            return Err(format!("power {k}, expected at most {MAX_POWER}"));
        }
        // Steps are done when all that their solution names are: those that never are go in circles.
        let mut left: Vec<_> = self.solved.iter().collect();
        let mut done: Vec<bool> = (0..n).map(|id| !self.solved.contains_key(&id)).collect();
        loop {
            let before = left.len();
            left.retain(|(&id, s)| {
                done[id] = s.powers.keys().all(|&k| done[k]);
                !done[id]
            });
            match left.first() {
                None => return Ok(()),
                Some((id, _)) if left.len() == before => {
                    return Err(format!("step {id} is solved by steps that it solves"))
                }
                _ => {}
            }
        }
    }

    /// The steps that unification left free, ascending.
    pub fn unsolved(&self) -> impl Iterator<Item = StepId> + '_ {
        (0..self.len()).filter(|id| !self.solved.contains_key(id))
    }

    /// The same step, in unsolved steps only.
    pub fn resolve(&self, step: &Step) -> Step {
        let mut out = Step::constant(step.coef);
        for (id, &k) in &step.powers {
            let factor = self.solved.get(id).map_or_else(|| Step::free(*id), |s| self.resolve(s));
            for _ in 0..k.unsigned_abs() {
                out = if k > 0 { out.times(&factor) } else { out.times(&inverse(&factor)) };
            }
        }
        out
    }

    /// Makes two steps equal, solving for a free step where need be; returns the common step.
    pub fn unify(&mut self, a: &Step, b: &Step) -> Result<Step, StepError> {
        let (a, b) = (self.resolve(a), self.resolve(b));
        if a.powers == b.powers && (a.coef - b.coef).abs() <= COEF_TOLERANCE * a.coef.abs() {
            return Ok(a);
        }
        let best = [self.solvable(&a, &b), self.solvable(&b, &a)]
            .into_iter()
            .flatten()
            .max_by_key(|(id, _)| (self.kinds[*id], *id));
        match best {
            Some((id, solution)) => {
                self.solved.insert(id, solution);
                Ok(self.resolve(&a))
            }
            None => Err(StepError::Contradiction { left: self.show(&a), right: self.show(&b) }),
        }
    }

    /// Fixes a step that is still free and stands alone.
    pub fn pin(&mut self, step: &Step, value: f64) -> Result<(), StepError> {
        let step = self.resolve(step);
        match step.alone() {
            Some(id) => {
                self.solved.insert(id, Step::constant(value / step.coef));
                Ok(())
            }
            None if step.is_constant() && step.coef == value => Ok(()),
            None => Err(StepError::Contradiction { left: self.show(&step), right: value.to_string() }),
        }
    }

    /// The free step that makes up `side` and may become `other`, with its solution.
    fn solvable(&self, side: &Step, other: &Step) -> Option<(StepId, Step)> {
        let id = side.alone().filter(|id| !other.contains(*id))?;
        let allowed = match self.kinds[id] {
            StepKind::Bias | StepKind::Quantized => true,
            StepKind::Weight => !other.is_constant(),
            StepKind::Input => other.alone().is_some(),
        };
        allowed.then(|| (id, other.scaled(1.0 / side.coef)))
    }

    /// The step's real value at the given values of the free steps (those of solved steps are not read).
    pub fn value(&self, step: &Step, free: &[f64]) -> f64 {
        self.resolve(step).at(free)
    }

    /// For people: `0.125 * step(x) * step(w)^2`.
    pub fn show(&self, step: &Step) -> String {
        let s = self.resolve(step);
        let factors = s.powers.iter().map(|(&id, &k)| match k {
            1 => format!("step({})", self.names[id]),
            k => format!("step({})^{k}", self.names[id]),
        });
        let coef = (s.coef != 1.0 || s.is_constant()).then(|| s.coef.to_string());
        coef.into_iter().chain(factors).collect::<Vec<_>>().join(" * ")
    }
}

fn inverse(s: &Step) -> Step {
    Step { coef: 1.0 / s.coef, powers: s.powers.iter().map(|(&id, &k)| (id, -k)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(kinds: &[(&str, StepKind)]) -> (Steps, Vec<Step>) {
        let mut s = Steps::default();
        let free = kinds.iter().map(|(n, k)| s.fresh(*n, *k)).collect();
        (s, free)
    }

    #[test]
    fn a_square_plus_itself_contradicts() {
        let (mut s, f) = steps(&[("x", StepKind::Input)]);
        let e = s.unify(&f[0].times(&f[0]), &f[0]).unwrap_err();
        assert_eq!(e.to_string(), "steps contradict: step(x)^2 against step(x)");
        let (mut s, f) = steps(&[("q", StepKind::Quantized)]);
        assert!(s.unify(&f[0].times(&f[0]), &f[0]).is_err());
    }

    #[test]
    fn a_bias_takes_the_accumulators_step() {
        let (mut s, f) = steps(&[("x", StepKind::Input), ("b", StepKind::Bias), ("w", StepKind::Weight)]);
        let acc = f[0].times(&f[2]);
        assert_eq!(s.unify(&acc, &f[1]).unwrap(), acc);
        assert_eq!(s.resolve(&f[1]), acc);
        assert_eq!(s.value(&f[1], &[0.5, f64::NAN, 0.25]), 0.125);
    }

    #[test]
    fn a_branch_takes_the_streams_step_and_keeps_it() {
        let (mut s, f) = steps(&[("x", StepKind::Input), ("q", StepKind::Quantized), ("b", StepKind::Bias)]);
        // The bias was tied to q before q was tied to x.
        s.unify(&f[2], &f[1].times(&f[1])).unwrap();
        s.unify(&f[0].scaled(0.5), &f[1]).unwrap();
        assert_eq!(s.resolve(&f[2]), f[0].times(&f[0]).scaled(0.25));
        assert_eq!(s.unsolved().collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn the_later_of_two_equals_gives_way() {
        for kind in [StepKind::Input, StepKind::Weight, StepKind::Quantized] {
            let (mut s, f) = steps(&[("a", kind), ("b", kind)]);
            s.unify(&f[1], &f[0]).unwrap();
            assert_eq!(s.unsolved().collect::<Vec<_>>(), [0]);
        }
    }

    #[test]
    fn products_and_constants_force_no_input_or_weight() {
        let (mut s, f) = steps(&[("x", StepKind::Input), ("w", StepKind::Weight), ("y", StepKind::Input)]);
        assert!(s.unify(&f[2], &f[0].times(&f[1])).is_err());
        assert!(s.unify(&f[0], &f[0].times(&f[1])).is_err());
        assert!(s.unify(&f[1], &Step::constant(0.5)).is_err());
        assert!(s.unify(&f[0], &f[0].scaled(2.0)).is_err());
        assert!(s.solved.is_empty());
    }
}
