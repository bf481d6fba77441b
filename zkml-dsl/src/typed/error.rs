//! What can go wrong between a user's values and a model.

use crate::builder::BuildError;
use crate::engine;
use crate::units::UnitsError;
use std::fmt;
use thiserror::Error;
use zkml_ir::lang::{DecodeError, Diagnostic};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::TensorError;

#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    #[error("`{name}` has shape {got}, expected {expected}")]
    Shape { name: String, expected: Shape, got: Shape },
    #[error("{dims:?} is no shape of a tensor: it has 1 to 6 dimensions, none zero")]
    NoShape { dims: Vec<usize> },
    #[error(transparent)]
    Tensor(#[from] TensorError),
    #[error("expected {expected} inputs, got {got}")]
    InputCount { expected: usize, got: usize },
    #[error("expected {expected} outputs, got {got}")]
    OutputCount { expected: usize, got: usize },
    #[error("weights do not fit the model{}", list(.0))]
    Weights(Vec<WeightProblem>),
    #[error("there is no tensor `{name}`; there are `{}`", .there.join("`, `"))]
    Missing { name: String, there: Vec<String> },
    #[error("`{name}` has element type {got}, expected integers of 8, 16 or 32 bits")]
    DataType { name: String, got: String },
    /// The model's checks fail at these dimensions.
    #[error("the model has no such dimensions{}", list(.0))]
    Dims(Vec<Diagnostic>),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A model that is built at run time.
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Units(#[from] UnitsError),
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error(transparent)]
    Engine(Box<engine::Error>),
}

// Boxed: an error that is as large as the largest cause would burden every `Ok`.
impl From<engine::Error> for Error {
    fn from(e: engine::Error) -> Self {
        Self::Engine(Box::new(e))
    }
}

/// One tensor that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightProblem {
    Missing { name: String, expected: Shape },
    Unused { name: String },
    Shape { name: String, expected: Shape, got: Shape },
}

impl fmt::Display for WeightProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, expected } => write!(f, "`{name}` is missing, expected {expected}"),
            Self::Unused { name } => write!(f, "`{name}` is not used"),
            Self::Shape { name, expected, got } => {
                write!(f, "`{name}` has shape {got}, expected {expected}")
            }
        }
    }
}

fn list(items: &[impl fmt::Display]) -> String {
    items.iter().map(|i| format!("\n  {i}")).collect()
}
