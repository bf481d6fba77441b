//! The golden proofs and certificates, ready to be mutated.

use std::path::PathBuf;
use zkml_ir::lower;
use zkml_runtime::artifact::{certificate_system, Certificate, PortableKey, ProofFile, StatementFile};
use zkml_runtime::protocol::{self, Key, Label, Proof, Statement, System, VerifyError};

/// An honest proof with all that its verification reads.
pub struct Subject {
    pub name: String,
    pub system: System,
    pub key: Key,
    pub statement: Statement,
    pub bytes: Vec<u8>,
    pub proof: Proof,
}

/// Why a mutation is refused.
pub type Refusal = VerifyError;

impl Subject {
    fn new(name: String, system: System, key: Key, statement: Statement, bytes: Vec<u8>) -> Self {
        let proof = Proof::from_bytes(&bytes, &system).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { name, system, key, statement, bytes, proof }
    }

    pub fn verify(&self, proof: &Proof) -> Result<(), Refusal> {
        protocol::verify(&self.system, &self.key, &self.statement, proof)
    }

    pub fn read_and_verify(&self, bytes: &[u8]) -> Result<(), Refusal> {
        self.verify(&Proof::from_bytes(bytes, &self.system)?)
    }
}

/// Of each golden model its proof and its certificate.
pub fn subjects() -> Vec<Subject> {
    ["mlp_digits", "gpt2", "bert"].into_iter().flat_map(golden).collect()
}

fn golden(model: &str) -> [Subject; 2] {
    let path =
        |file: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(model).join(file);
    let key = PortableKey::load(path("key")).expect("a key");
    let certificate = Certificate::load(path("certificate"), &key.model).expect("a certificate");
    let statement = StatementFile::load(path("statement")).expect("a statement").statement;
    let proof = ProofFile::load(path("proof")).expect("a proof");
    let system = System::new(key.plan.clone(), key.level, Label::Inference).expect("sound");
    let mut plans = lower::certificate(&key.plan).expect("lowers");
    assert_eq!((plans.len(), certificate.parts.len()), (1, 1));
    let (plan, part) = (plans.remove(0).plan, certificate.parts[0].clone());
    let certificate_key = Key { root: certificate.root, columns: certificate.columns, digest: part.digest };
    let certifying = certificate_system(plan, &system).expect("sound");
    let nothing = Statement { inputs: vec![], outputs: vec![] };
    [
        Subject::new(model.to_owned(), system, key.key, statement, proof.argument),
        Subject::new(format!("{model}'s certificate"), certifying, certificate_key, nothing, part.argument),
    ]
}
