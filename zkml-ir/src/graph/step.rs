//! Steps: the real value of one unit of a tensor, as a monomial in free steps.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// Index of a free step.
pub type StepId = usize;

/// `coef * product of free steps to integer powers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub coef: f64,
    pub powers: BTreeMap<StepId, i32>,
}

/// The free steps of a graph and what unification found of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// For people: `x`, `w1`, `mlp.gelu`.
    pub names: Vec<String>,
    /// A step that unification expressed by others.
    pub solved: BTreeMap<StepId, Step>,
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum StepError {
    #[error("steps contradict: {left} against {right}")]
    Contradiction { left: String, right: String },
}
