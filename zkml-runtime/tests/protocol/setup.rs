//! Proofs under another setup: other tables, another level, another height, another number of commitments.

use crate::common::{assert_refused, graph, Fixture};
use zkml_ir::lower::lower;
use zkml_runtime::gkr::GkrError;
use zkml_runtime::protocol::{self, Key, Label, Proof, Prover, System, VerifyError};
use zkml_runtime::security::SecurityLevel;
use zkml_runtime::wire::WireError;

fn other_challenges(verdict: Result<(), VerifyError>) {
    assert_refused!(verdict, VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 }));
}

/// A GELU of another step is another table, and nothing else differs.
#[test]
fn a_table_replaced_at_setup() {
    let f = Fixture::quick(graph::activations());
    let mut params = f.params.clone();
    params.steps.iter_mut().for_each(|s| *s /= 2.0);
    let plan = lower(&f.graph, &params).expect("lowers").plan;
    assert_ne!(plan.tables, f.plan().tables);
    assert_eq!((&plan.tensors, &plan.constraints), (&f.plan().tensors, &f.plan().constraints));
    let level = SecurityLevel::Conjectured96;
    let prover =
        Prover::new(System::new(plan.clone(), level, Label::Inference).expect("sound")).expect("prover");
    let committed = f.committed.under(f.system(), &prover.system);
    assert_eq!(committed.key().root, f.key().root, "the same weights");

    // A run with the other tables, proven by a prover that has them.
    let g = Fixture {
        graph: f.graph.clone(),
        params,
        lowered: zkml_ir::lower::Lowered { plan, parts: f.lowered.parts.clone() },
        prover,
        weights: f.weights.clone(),
        committed,
        label: Label::Inference,
    };
    let (statement, proof) = g.prove(1);
    g.verify(&statement, &proof).expect("true of the other tables");
    assert_ne!(statement, f.run(1).0, "the tables matter");
    other_challenges(f.verify(&statement, &proof));
    let verdict = protocol::verify(g.system(), f.key(), &statement, &proof);
    assert_refused!(verdict, VerifyError::KeyDigest { .. });
    // A key that says the honest digest under the other tables, or the other digest under the honest ones.
    let named = |f: &Fixture, digest| Key { digest, ..f.key().clone() };
    let verdict = protocol::verify(g.system(), &named(&g, f.key().digest), &statement, &proof);
    assert_refused!(verdict, VerifyError::KeyDigest { .. });
    let verdict = protocol::verify(f.system(), &named(&f, g.key().digest), &statement, &proof);
    assert_refused!(verdict, VerifyError::KeyDigest { .. });
}

/// The cells of one run, committed under other parameters of the commitment scheme.
#[test]
fn a_proof_of_another_level_or_height() {
    let f = Fixture::quick(graph::mlp());
    let at = |level, rows: u32| {
        let system = System::with_log_rows(f.plan().clone(), level, Label::Inference, rows).expect("sound");
        Fixture::on(graph::mlp(), 7, Prover::new(system).expect("prover"), Label::Inference)
    };
    let rows = f.system().params().log_rows;
    let quick = SecurityLevel::Conjectured96;
    for g in [at(SecurityLevel::Proven, rows), at(SecurityLevel::ProvenCompact, rows), at(quick, rows + 1)] {
        assert_eq!(g.weights, f.weights);
        let (statement, proof) = g.prove(1);
        g.verify(&statement, &proof).expect("a proof of its own level");
        other_challenges(f.verify(&statement, &proof));
        let verdict = protocol::verify(g.system(), f.key(), &statement, &proof);
        assert_refused!(verdict, VerifyError::KeyDigest { .. });
        let verdict = protocol::verify(f.system(), g.key(), &statement, &proof);
        assert_refused!(verdict, VerifyError::KeyDigest { .. });
    }
}

/// On the wire the number of roots is the model's: one more or fewer moves everything after it.
#[test]
fn a_proof_with_another_number_of_commitments() {
    for (model, other) in [(graph::mlp(), graph::mlp_private()), (graph::mlp_private(), graph::mlp())] {
        let (f, other) = (Fixture::quick(model), Fixture::quick(other));
        let bytes = f.prove(1).1.to_bytes();
        Proof::from_bytes(&bytes, f.system()).expect("its own form");
        let read = Proof::from_bytes(&bytes, other.system());
        assert!(matches!(read, Err(WireError::NotCanonical { .. })), "{read:?}");
        // One root more, one fewer, in front: the next root is read for it.
        let one_more = [&[7; 32], &bytes[..]].concat();
        for shifted in [&one_more[..], &bytes[32..]] {
            let read = Proof::from_bytes(shifted, f.system());
            assert!(
                matches!(read, Err(WireError::NotCanonical { .. } | WireError::Trailing { .. })),
                "{read:?}"
            );
        }
    }
}
