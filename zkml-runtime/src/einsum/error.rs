//! What the verifier of the batched sumcheck refuses, and what may stop its prover.

use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EinsumError {
    #[error("einsum sumcheck: expected {expected} rounds, got {got}")]
    Rounds { expected: usize, got: usize },
    #[error("einsum sumcheck: expected operands of {expected} products, got {got}")]
    Operands { expected: usize, got: usize },
    #[error("einsum sumcheck: the operands do not give the value that the rounds claim")]
    FinalClaim,
    #[error("the device that keeps the products failed: {0}")]
    Device(String),
}
