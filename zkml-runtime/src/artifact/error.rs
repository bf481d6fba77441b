//! Why a key or a proof file is refused.

use crate::protocol::{SystemError, VerifyError};
use crate::security::{AcceptedLevel, SecurityLevel};
use std::path::PathBuf;
use thiserror::Error;
use zkml_ir::lower::LowerError;

#[derive(Debug, Error)]
pub enum ArtifactError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}: {got} bytes, expected at most {most}")]
    TooLong { path: PathBuf, most: u64, got: u64 },
    #[error("not a zkml {expected}")]
    Kind { expected: &'static str },
    #[error("{kind} of format version {got}, this build reads version {expected}")]
    Version { kind: &'static str, expected: u32, got: u32 },
    #[error("{kind} of model `{got}`, expected `{expected}`")]
    Model { kind: &'static str, expected: String, got: String },
    #[error("{kind} is cut short or altered: {reason}")]
    Malformed { kind: &'static str, reason: String },
    #[error("proof under another key: expected model digest {expected}, got {got}")]
    Digest { expected: String, got: String },
    #[error("the key's parameters do not fit the model: {0}")]
    Lower(#[from] LowerError),
    #[error(transparent)]
    System(#[from] SystemError),
    #[error("key at security level `{got}`, expected {expected}")]
    Level { expected: AcceptedLevel, got: SecurityLevel },
    #[error("the key has no certificate that its weights lie in their ranges")]
    Uncertified,
    #[error("the key's certificate has {got} parts, expected {expected}")]
    CertificateParts { expected: usize, got: usize },
    #[error("the key's certificate: {0}")]
    Certificate(VerifyError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
}
