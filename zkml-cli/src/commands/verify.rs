//! `zkml verify`: no weights, no run.

use crate::args::Verify;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::output::Output;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;
use zkml_dsl::engine::{AcceptedLevel, Certificate, PortableKey, Proof, StatementFile};

#[derive(Serialize)]
struct Verified {
    verified: bool,
    model: String,
    digest: String,
    security_bits: f64,
    check_key_ms: f64,
    verify_ms: f64,
}

pub fn run(a: &Verify, output: &Output) -> Outcome {
    let folder = match a.proof.is_dir() {
        true => a.proof.clone(),
        false => a.proof.parent().map(PathBuf::from).unwrap_or_default(),
    };
    let proof = if a.proof.is_dir() { folder.join(files::PROOF) } else { a.proof.clone() };
    let keys = a.model.clone().unwrap_or_else(|| folder.clone());
    let key_path = a.key.clone().unwrap_or_else(|| keys.join(files::PORTABLE));
    let certificate = a.certificate.clone().unwrap_or_else(|| keys.join(files::CERTIFICATE));
    if !key_path.exists() {
        let help = "the key of the model that you trust: `--model FOLDER`, or `--key FILE`";
        return Err(Failure::file(&key_path, format_args!("there is no key; {help}")));
    }
    let accepted = match &a.accept {
        None => AcceptedLevel::Proven,
        Some(name) => AcceptedLevel::Exactly(crate::model::level(name)?),
    };

    let start = Instant::now();
    let key = PortableKey::load(&key_path)?;
    let certificate =
        certificate.exists().then(|| Certificate::load(&certificate, &key.model)).transpose()?;
    let verifier = key.verifier(certificate.as_ref(), accepted)?;
    let check_key_ms = start.elapsed().as_secs_f64() * 1e3;
    let statement =
        StatementFile::load(a.statement.clone().unwrap_or_else(|| folder.join(files::STATEMENT)))?;
    let proof = Proof::load(&proof)?;
    let start = Instant::now();
    verifier.verify(&statement.statement, &proof)?;
    let done = Verified {
        verified: true,
        model: key.model.clone(),
        digest: hex::encode(key.key.digest),
        security_bits: verifier.system().security().sum_bits(),
        check_key_ms,
        verify_ms: start.elapsed().as_secs_f64() * 1e3,
    };
    output.result(&done, || {
        format!(
            "verified: {} gave these outputs, {:.1} bits\n  digest  {}\n  took    {:.1} ms, and {:.1} ms for the key\n",
            done.model, done.security_bits, done.digest, done.verify_ms, done.check_key_ms
        )
    });
    Ok(())
}
