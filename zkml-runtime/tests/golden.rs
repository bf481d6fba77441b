//! Golden proofs: read and verified by the verifier alone, without prover code.
//!
//! `cargo run --release --example golden` makes them. This test also runs without the feature `prover`.

use std::path::PathBuf;
use zkml_runtime::artifact::{
    ArtifactError, Certificate, PortableKey, ProofFile, StatementFile, Verifier, FORMAT_VERSION,
};
use zkml_runtime::security::AcceptedLevel;

const MODELS: [&str; 3] = ["mlp_digits", "gpt2", "bert"];

struct Golden {
    key: PortableKey,
    certificate: Certificate,
    statement: StatementFile,
    proof: ProofFile,
}

fn folder(model: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(model)
}

fn golden(model: &str) -> Golden {
    let path = |file: &str| folder(model).join(file);
    let key = PortableKey::load(path("key")).unwrap_or_else(|e| panic!("{model}: {e}"));
    Golden {
        certificate: Certificate::load(path("certificate"), &key.model).unwrap(),
        statement: StatementFile::load(path("statement")).unwrap(),
        proof: ProofFile::load(path("proof")).unwrap(),
        key,
    }
}

impl Golden {
    fn verifier(&self) -> Verifier {
        self.key
            .verifier(Some(&self.certificate), AcceptedLevel::Proven)
            .unwrap_or_else(|e| panic!("{}: {e}", self.key.model))
    }
}

#[test]
fn golden_proofs_verify() {
    for model in MODELS {
        let g = golden(model);
        let verifier = g.verifier();
        assert!(verifier.system().security().sum_bits() >= 92.0, "{model}");
        verifier.verify(&g.statement.statement, &g.proof).unwrap_or_else(|e| panic!("{model}: {e}"));
    }
}

/// What is read is what is written, to the byte.
#[test]
fn golden_files_have_one_form() {
    for model in MODELS {
        let g = golden(model);
        let files = [
            ("key", g.key.to_bytes()),
            ("certificate", g.certificate.to_bytes()),
            ("statement", g.statement.to_bytes()),
            ("proof", g.proof.to_bytes()),
        ];
        for (file, bytes) in files {
            let stored = std::fs::read(folder(model).join(file)).unwrap();
            assert!(stored == bytes, "{model}/{file}");
            assert_eq!(stored[8..12], FORMAT_VERSION.to_le_bytes(), "{model}/{file}");
        }
    }
}

#[test]
fn golden_proofs_are_not_each_other_s() {
    let (a, b) = (golden("gpt2"), golden("bert"));
    let verifier = a.verifier();
    let other = verifier.verify(&a.statement.statement, &b.proof);
    assert!(matches!(other, Err(ArtifactError::Model { kind: "proof", .. })), "{other:?}");
    let renamed = ProofFile { model: a.proof.model.clone(), ..b.proof.clone() };
    let other = verifier.verify(&a.statement.statement, &renamed);
    assert!(matches!(other, Err(ArtifactError::Digest { .. })), "{other:?}");
    let other = verifier.verify(&b.statement.statement, &a.proof);
    assert!(matches!(other, Err(ArtifactError::Verify(_))), "{other:?}");
    let certificate = Certificate { model: a.proof.model.clone(), ..b.certificate };
    let other = a.key.verifier(Some(&certificate), AcceptedLevel::Proven);
    assert!(matches!(other, Err(ArtifactError::Certificate(_))), "{other:?}");
}
