//! Everything that can go wrong between a file and a verified proof.

use super::memory::MemoryError;
use crate::weights::{LoadError, SaveError, WeightsError};
use thiserror::Error;
use zkml_ir::calibrate::{AccuracyError, CalibrateError, CompletenessError};
use zkml_ir::exec::RunError;
use zkml_ir::lower::LowerError;
use zkml_ir::shape::Shape;
use zkml_runtime::artifact::ArtifactError;
use zkml_runtime::protocol::{ProveError, SystemError};

/// A zkml error. Each variant's source says what was expected and what came.
#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    #[error(transparent)]
    Accuracy(#[from] AccuracyError),
    #[error(transparent)]
    Completeness(#[from] CompletenessError),
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error(transparent)]
    System(#[from] SystemError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error("{0}")]
    Device(String),
    #[error("model `{model}`: expected {expected} weights, got {got}")]
    WeightCount { model: String, expected: usize, got: usize },
    #[error("weight `{name}`: expected shape {expected}, got {got}")]
    WeightShape { name: String, expected: Shape, got: Shape },
    #[error("weight `{name}`: value {value} at index {index} is outside its type, {range}")]
    WeightRange { name: String, index: usize, value: i64, range: zkml_ir::elem::Interval },
    #[error("value `{name}`: {source}")]
    Value { name: String, source: zkml_ir::tensor::TensorError },
}
