//! What setup, prover and verifier refuse.

use crate::einsum::EinsumError;
use crate::gkr::GkrError;
use crate::pcs::OpeningError;
use crate::security::SecurityError;
use crate::wire::WireError;
use thiserror::Error;
use zkml_ir::elem::Interval;
use zkml_ir::plan::CheckError;
use zkml_ir::shape::Shape;

/// A model that cannot be proven soundly.
#[derive(Debug, Error)]
pub enum SystemError {
    #[error("the model's relations are not sound: {0}")]
    Plan(#[from] CheckError),
    #[error(transparent)]
    Security(#[from] SecurityError),
    #[error("lookups: {0}")]
    Lookups(#[from] GkrError),
}

/// Public values that are not values of this model.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StatementError {
    #[error("expected {expected} inputs, got {got}")]
    Inputs { expected: usize, got: usize },
    #[error("expected {expected} outputs, got {got}")]
    Outputs { expected: usize, got: usize },
    #[error("`{name}`: expected shape {expected}, got {got}")]
    Shape { name: String, expected: Shape, got: Shape },
    #[error("`{name}`: element {index} is {got}, expected a value in {expected}")]
    Range { name: String, index: usize, expected: Interval, got: i64 },
    #[error("`{name}` is a public input: its value is part of the statement")]
    NotPublic { name: String },
    #[error("`{name}` is private: its value is no part of the statement")]
    NotPrivate { name: String },
}

/// Why a proof could not be made.
#[derive(Debug, Error)]
pub enum ProveError {
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("lookups: {0}")]
    Gkr(#[from] GkrError),
    #[error("products: {0}")]
    Einsum(#[from] EinsumError),
    #[error(transparent)]
    Params(#[from] crate::pcs::ParamsError),
    #[error("device: {0}")]
    Device(String),
    #[cfg(feature = "prover")]
    #[error("commitment: {0}")]
    Commit(#[from] crate::pcs::CommitError),
    #[cfg(feature = "prover")]
    #[error("opening: {0}")]
    Opening(#[from] crate::pcs::ProveError),
}

/// Why a proof is refused.
#[derive(Debug, Error)]
pub enum VerifyError {
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("the key is for {expected} weight columns of 2^{rows} rows, got {got}")]
    KeyShape { rows: u32, expected: usize, got: usize },
    #[error("the key is for another model: expected digest {expected}, got {got}")]
    KeyDigest { expected: String, got: String },
    #[error("the proof {} a commitment to private inputs, the model {}", if *.got { "has" } else { "lacks" }, if *.expected { "needs one" } else { "has none" })]
    PrivateRoot { expected: bool, got: bool },
    #[error("the proof {} a lookup argument, the model {}", if *.got { "has" } else { "lacks" }, if *.expected { "needs one" } else { "has none" })]
    LookupArgument { expected: bool, got: bool },
    #[error("the certificate is for other weights")]
    WeightRoot,
    #[error("the proof's commitment to private inputs is not the one that it states")]
    PrivateCommitment,
    #[error("lookups: {0}")]
    Gkr(#[from] GkrError),
    #[error("lookups: the table tree ends in a denominator that is not the tables'")]
    TableDenominator,
    #[error("{0}")]
    Einsum(#[from] EinsumError),
    #[error("`{part}` holds a word that is no field element")]
    NotCanonical { part: &'static str },
    #[error("opening: {0}")]
    Opening(#[from] OpeningError),
    #[error("proof bytes: {0}")]
    Wire(#[from] WireError),
}
