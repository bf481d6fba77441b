//! Altered files of a true proof: none is accepted.

use super::edits;
use super::golden::{golden, FILES};
use zkml_runtime::artifact::{ArtifactError, Certificate, PortableKey, ProofFile, StatementFile};
use zkml_runtime::security::AcceptedLevel;

/// Reads a file of this model and verifies the model's proof with it.
type Verify = fn(usize, &[u8]) -> Result<(), ArtifactError>;

/// The first byte chooses the model and the file, the rest edits it.
pub fn run(data: &[u8]) {
    let Some((&choice, script)) = data.split_first() else { return };
    let (model, file) = (choice as usize % 3, choice as usize / 3 % 8);
    let files = &FILES[model];
    let (stored, verify): (&[u8], Verify) = match file {
        0 => (files.certificate, certificate),
        1 => (files.statement, statement),
        2 => (files.key, key),
        _ => (files.proof, proof),
    };
    let mut bytes = stored.to_vec();
    edits::apply(script, &mut bytes);
    if bytes != stored {
        assert!(verify(model, &bytes).is_err(), "an altered file is accepted");
    }
}

fn proof(model: usize, bytes: &[u8]) -> Result<(), ArtifactError> {
    let g = golden(model);
    g.verifier.verify(&g.statement.statement, &ProofFile::from_bytes(bytes)?)
}

fn certificate(model: usize, bytes: &[u8]) -> Result<(), ArtifactError> {
    let key = &golden(model).key;
    let certificate = Certificate::from_bytes(bytes, &key.model)?;
    key.verifier(Some(&certificate), AcceptedLevel::Proven).map(|_| ())
}

/// The model's name in a statement file is for people: what it says is compared by value.
fn statement(model: usize, bytes: &[u8]) -> Result<(), ArtifactError> {
    let g = golden(model);
    let read = StatementFile::from_bytes(bytes)?;
    assert!(read.to_bytes() == bytes, "two forms of one statement");
    g.verifier.verify(&read.statement, &g.proof)?;
    match read.statement == g.statement.statement {
        true => Err(ArtifactError::Kind { expected: "statement under its own name" }),
        false => Ok(()),
    }
}

/// A number has several forms in a key, so keys are compared by value too.
fn key(model: usize, bytes: &[u8]) -> Result<(), ArtifactError> {
    let g = golden(model);
    let read = PortableKey::from_bytes(bytes)?;
    let verifier = read.verifier(Some(&g.certificate), AcceptedLevel::Proven)?;
    verifier.verify(&g.statement.statement, &g.proof)?;
    match read == g.key {
        true => Err(ArtifactError::Kind { expected: "key in another form" }),
        false => Ok(()),
    }
}
