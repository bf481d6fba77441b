//! A proof, and what the verifier says of it after a change.

use super::graph::{self, Model};
use super::Fixture;
use zkml_runtime::protocol::{Proof, Statement, VerifyError};

/// An honest proof to change.
pub struct Case {
    pub f: Fixture,
    pub statement: Statement,
    pub proof: Proof,
}

impl Case {
    pub fn new(model: Model) -> Self {
        let f = Fixture::new(model);
        let (statement, proof) = f.prove(1);
        Self { f, statement, proof }
    }

    /// What the verifier says of the proof once it was changed.
    #[track_caller]
    pub fn with(&self, change: impl FnOnce(&mut Proof)) -> Result<(), VerifyError> {
        let mut proof = self.proof.clone();
        change(&mut proof);
        assert!(proof != self.proof, "nothing changed");
        self.f.verify(&self.statement, &proof)
    }
}

/// A proof that has every part: private inputs, lookups, products.
pub fn full() -> Case {
    Case::new(graph::mlp_private())
}
