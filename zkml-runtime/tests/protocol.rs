//! Whole arguments over small graphs: honest runs verify, and everything that a verifier reads is checked.

mod common;

use common::{graph, Fixture};

#[test]
fn a_small_network_proves_and_verifies() {
    let f = Fixture::new(graph::mlp());
    let (statement, proof) = f.prove(1);
    f.verify(&statement, &proof).expect("an honest proof");
}
