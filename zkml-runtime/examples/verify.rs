//! Verifies a proof from files alone: no model source, no weights, no prover code.
//!
//! ```sh
//! cd zkml-runtime/tests/golden/gpt2
//! cargo run -p zkml-runtime --no-default-features --example verify -- key certificate statement proof
//! ```

use std::process::ExitCode;
use zkml_runtime::artifact::{ArtifactError, Certificate, PortableKey, ProofFile, StatementFile};
use zkml_runtime::security::AcceptedLevel;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [key, certificate, statement, proof] = &paths[..] else {
        eprintln!("usage: verify KEY CERTIFICATE STATEMENT PROOF");
        return ExitCode::from(2);
    };
    match verify(key, certificate, statement, proof) {
        Ok(report) => {
            println!("verified\n{report}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("refused: {e}");
            ExitCode::FAILURE
        }
    }
}

fn verify(key: &str, certificate: &str, statement: &str, proof: &str) -> Result<String, ArtifactError> {
    let key = PortableKey::load(key)?;
    let certificate = Certificate::load(certificate, &key.model)?;
    let verifier = key.verifier(Some(&certificate), AcceptedLevel::Proven)?;
    verifier.verify(&StatementFile::load(statement)?.statement, &ProofFile::load(proof)?)?;
    Ok(format!("model {}, {}", verifier.model(), verifier.system().security()))
}
