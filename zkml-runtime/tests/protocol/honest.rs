//! Honest runs of every graph.

use crate::common::{cheat, graph, Fixture};
use zkml_ir::exec;
use zkml_runtime::protocol::Proof;

#[test]
fn every_graph_proves_and_verifies() {
    for (name, model) in graph::ALL {
        let f = Fixture::new(model());
        let (statement, proof) = f.prove(1);
        f.verify(&statement, &proof).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn what_is_proven_is_what_run_computes() {
    for (name, model) in graph::ALL {
        let f = Fixture::new(model());
        let (statement, witness) = f.run(2);
        let outputs = exec::run(&f.graph, &f.params, &f.weights, &f.inputs(2)).expect("runs");
        assert_eq!(statement.outputs, outputs, "{name}");
        let witness =
            exec::Witness { tensors: witness.tensors, outputs, multiplicities: witness.multiplicities };
        exec::debug_check(f.plan(), &witness, &f.weights).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn equal_inputs_give_equal_bytes_that_read_back() {
    for (name, model) in graph::ALL {
        let f = Fixture::new(model());
        let (_, proof) = f.prove(3);
        let bytes = proof.to_bytes();
        assert_eq!(bytes, Fixture::new(model()).prove(3).1.to_bytes(), "{name}");
        assert_eq!(Proof::from_bytes(&bytes, f.system()).expect("reads"), proof, "{name}");
    }
}

#[test]
fn proofs_do_not_depend_on_the_number_of_threads() {
    for model in [graph::mlp_private, graph::targets, graph::broadcasts] {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| Fixture::new(model()).prove(4).1.to_bytes())
        };
        assert!(on(1) == on(2), "{}", model().0.name);
    }
}

/// The second prover follows DESIGN 5.6 and the layout as written down, and so says what the first one must send.
#[test]
fn a_second_prover_gives_the_same_proofs() {
    for (name, model) in graph::ALL {
        let f = Fixture::new(model());
        let (statement, witness) = f.run(5);
        let second = cheat::prove(&f, &statement, &witness, cheat::Deviation::default());
        assert!(second == f.prove(5).1, "{name}");
    }
}
