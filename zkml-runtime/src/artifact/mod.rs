//! What leaves the prover's machine: verifier keys, certificates, statements and proofs, as files.
//!
//! Every file starts with a magic word, a kind, a format version and the model's name, so that a wrong file is refused
//! by name. Files are written under a temporary name and renamed: a crash leaves the old file or the new one.

mod certificate;
mod error;
mod file;
mod key;
mod portable;
mod proof;
mod statement;
mod verifier;

pub use certificate::{Certificate, CertificatePart};
pub use error::ArtifactError;
pub use file::MAX_FILE_BYTES;
pub use key::{KeyData, VerifierKey};
pub use portable::PortableKey;
pub use proof::ProofFile;
pub use statement::StatementFile;
pub use verifier::{certificate_system, check_parts, Verifier};

/// The number of the file formats. A change of any of them, or of the protocol, moves it.
pub const FORMAT_VERSION: u32 = 5;
