//! Why an opening is refused.

use std::fmt;

use stwo::core::fri::FriVerificationError;
use stwo::core::vcs_lifted::verifier::MerkleVerificationError;
use thiserror::Error;

use super::statement::{ParamsError, StatementError};

/// A part of an [`OpeningProof`](super::OpeningProof). `Tree` counts the given trees, then the prefix sums, then the
/// composition; `FriLayer` counts from the circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Rounds,
    SampledTrees,
    Samples { tree: usize },
    FriLayers,
    FriWitness { layer: usize },
    LastLayer,
    QueriedTrees,
    QueriedColumns { tree: usize },
    QueriedValues { tree: usize, column: usize },
    Paths,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounds => write!(f, "sumcheck rounds"),
            Self::SampledTrees => write!(f, "trees with samples"),
            Self::Samples { tree } => write!(f, "samples of tree {tree}"),
            Self::FriLayers => write!(f, "FRI layers"),
            Self::FriWitness { layer } => write!(f, "witness of FRI layer {layer}"),
            Self::LastLayer => write!(f, "last FRI layer"),
            Self::QueriedTrees => write!(f, "trees with queried values"),
            Self::QueriedColumns { tree } => write!(f, "queried columns of tree {tree}"),
            Self::QueriedValues { tree, column } => {
                write!(f, "queried values of tree {tree}, column {column}")
            }
            Self::Paths => write!(f, "Merkle decommitments"),
        }
    }
}

#[derive(Clone, Copy, Debug, Error)]
pub enum OpeningError {
    #[error(transparent)]
    Params(#[from] ParamsError),
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("{part}: expected {expected}, got {got}")]
    Length { part: Part, expected: usize, got: usize },
    #[error("{part}: a word is not a field element")]
    NotCanonical { part: Part },
    #[error("the out-of-domain point is one that divides by zero (one chance in 2^60)")]
    OutOfDomainPoint,
    #[error("the claims do not hold at the out-of-domain point")]
    Constraint,
    #[error("the proof of work has fewer than {expected} bits")]
    ProofOfWork { expected: u32 },
    #[error("tree {tree}: {source}")]
    Merkle { tree: usize, source: MerkleVerificationError },
    #[error("the FRI answers cannot be formed")]
    Answers,
    #[error(transparent)]
    Fri(#[from] FriVerificationError),
}
