//! The golden files, embedded.

use std::sync::OnceLock;
use zkml_runtime::artifact::{Certificate, PortableKey, ProofFile, StatementFile, Verifier};
use zkml_runtime::security::AcceptedLevel;

pub struct Files {
    pub key: &'static [u8],
    pub certificate: &'static [u8],
    pub statement: &'static [u8],
    pub proof: &'static [u8],
}

macro_rules! files {
    ($model:literal) => {
        Files {
            key: include_bytes!(concat!("../../../zkml-runtime/tests/golden/", $model, "/key")),
            certificate: include_bytes!(concat!(
                "../../../zkml-runtime/tests/golden/",
                $model,
                "/certificate"
            )),
            statement: include_bytes!(concat!("../../../zkml-runtime/tests/golden/", $model, "/statement")),
            proof: include_bytes!(concat!("../../../zkml-runtime/tests/golden/", $model, "/proof")),
        }
    };
}

pub static FILES: [Files; 3] = [files!("mlp_digits"), files!("gpt2"), files!("bert")];

/// A model's golden files, read.
pub struct Golden {
    pub key: PortableKey,
    pub certificate: Certificate,
    pub statement: StatementFile,
    pub proof: ProofFile,
    pub verifier: Verifier,
}

/// Read, and verified, once.
pub fn golden(model: usize) -> &'static Golden {
    static READ: [OnceLock<Golden>; 3] = [const { OnceLock::new() }; 3];
    READ[model].get_or_init(|| {
        let files = &FILES[model];
        let key = PortableKey::from_bytes(files.key).expect("a golden key");
        let certificate =
            Certificate::from_bytes(files.certificate, &key.model).expect("a golden certificate");
        let verifier = key.verifier(Some(&certificate), AcceptedLevel::Proven).expect("a golden verifier");
        let statement = StatementFile::from_bytes(files.statement).expect("a golden statement");
        let proof = ProofFile::from_bytes(files.proof).expect("a golden proof");
        verifier.verify(&statement.statement, &proof).expect("a golden proof");
        Golden { key, certificate, statement, proof, verifier }
    })
}
