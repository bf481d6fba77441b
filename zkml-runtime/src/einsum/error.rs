//! What the verifier of the batched sumcheck refuses.

use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EinsumError {
    #[error("einsum sumcheck: expected {expected} rounds, got {got}")]
    Rounds { expected: usize, got: usize },
    #[error("einsum sumcheck: expected operands of {expected} products, got {got}")]
    Operands { expected: usize, got: usize },
    #[error("einsum sumcheck: the operands do not give the value that the rounds claim")]
    FinalClaim,
}
