//! A prover that proves another run than the one that it states.

use crate::common::cheat::{self, Deviation};
use crate::common::forge::{copy, recount, Forged};
use crate::common::{assert_refused, graph, Fixture};
use zkml_ir::exec;
use zkml_runtime::gkr::GkrError;
use zkml_runtime::pcs::OpeningError;
use zkml_runtime::protocol::{Statement, VerifyError, Witness};

#[test]
fn multiplicities_count_every_row() {
    let f = Fixture::quick(graph::mlp());
    let (statement, honest) = f.run(1);
    let changes: [(&str, fn(&mut Vec<u32>)); 5] = [
        ("one more", |m| m[0] += 1),
        ("one fewer", |m| *m.iter_mut().find(|n| **n > 0).expect("looked up") -= 1),
        ("all at one row", |m| {
            let sum = m.iter().sum();
            m.fill(0);
            m[0] = sum;
        }),
        ("none", |m| m.fill(0)),
        ("reordered", |m| m.reverse()),
    ];
    for table in 0..honest.multiplicities.len() {
        for (what, change) in &changes {
            let mut witness = copy(&honest);
            change(&mut witness.multiplicities[table]);
            f.assert_no_row(&format!("{what}, table {table}"), &(statement.clone(), witness));
        }
    }
}

/// Counts of different tables cannot stand in for each other.
#[test]
fn multiplicities_belong_to_their_table() {
    let f = Fixture::quick(graph::mlp());
    let (statement, mut witness) = f.run(1);
    let row = |m: &[u32]| m.iter().position(|&n| n > 0).expect("looked up");
    let (a, b) = (row(&witness.multiplicities[0]), row(&witness.multiplicities[1]));
    witness.multiplicities[0][a] -= 1;
    witness.multiplicities[1][b] += 1;
    f.assert_no_row("moved", &(statement, witness));
}

#[test]
fn a_residual_cannot_be_dropped() {
    let (f, other) = (Fixture::quick(graph::residual()), Fixture::quick(graph::without_residual()));
    assert_eq!(f.weights, other.weights);
    let (statement, witness) = other.run(1);
    let verdict = f.verdict(&(statement, witness));
    assert_refused!(verdict, VerifyError::Opening(OpeningError::Constraint));
}

#[test]
fn a_run_with_other_weights_is_not_one_with_these() {
    let (f, other) = (Fixture::quick(graph::mlp()), Fixture::seeded(graph::mlp(), 70));
    assert_refused!(f.verdict(&other.run(1)), VerifyError::Opening(OpeningError::Constraint));
}

#[test]
fn other_weights_cannot_be_opened_under_the_key() {
    for (model, has_lookups) in [(graph::mlp(), true), (graph::no_lookups(), false)] {
        let (f, other) = (Fixture::quick(model.clone()), Fixture::seeded(model, 70));
        assert_ne!(f.key().root, other.key().root);
        // A proof under the other key.
        let (statement, proof) = other.prove(1);
        let verdict = f.verify(&statement, &proof);
        match has_lookups {
            true => assert_refused!(verdict, VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 })),
            false => assert_refused!(verdict, VerifyError::Einsum(_)),
        }
        // A proof that names the honest key, and is consistent but for the tree that it opens. The opening absorbs the
        // roots once more, so it meets other challenges before any path is read.
        let (statement, witness) = other.run(1);
        let named = Deviation { key: Some(f.key()), ..Deviation::default() };
        let proof = cheat::prove(&other, &statement, &witness, named);
        let verdict = f.verify(&statement, &proof);
        assert_refused!(verdict, VerifyError::Opening(OpeningError::Constraint));
    }
}

#[test]
fn an_output_is_the_run_s() {
    for (name, model) in graph::ALL {
        let f = Fixture::quick(model());
        for output in 0..f.graph.outputs.len() {
            let (mut statement, witness) = f.run(1);
            let range = f.graph.ty(f.graph.outputs[output].node).interval;
            let mut shown = statement.outputs[output].to_vec();
            shown[0] += if range.contains(shown[0] as i64 + 1) { 1 } else { -1 };
            Forged { f: &f, statement: &mut statement, witness: &mut copy(&witness) }.show(output, shown);
            let verdict = f.verdict(&(statement, witness));
            let expected = matches!(verdict, Err(VerifyError::Opening(OpeningError::Constraint)));
            assert!(expected, "{name}, output {output}: {verdict:?}");
        }
    }
}

/// The stated input is another than the one that was run on.
#[test]
fn an_input_is_the_run_s() {
    for model in [graph::mlp, graph::no_lookups, graph::no_products, graph::no_weights] {
        let f = Fixture::quick(model());
        let (statement, witness) = f.run(1);
        let stated = Statement { inputs: f.run(2).0.inputs, outputs: statement.outputs };
        assert_refused!(f.verdict(&(stated, witness)), VerifyError::Opening(OpeningError::Constraint));
    }
}

#[test]
fn a_private_input_is_in_its_range_and_the_run_s() {
    let f = Fixture::quick(graph::private_types());
    for (cell, by, expected_lookup) in [("u", 256, true), ("w", 1 << 16, true), ("x/limb0", 1, false)] {
        let run = f.forge(1, |w| w.add(cell, 0, by));
        match expected_lookup {
            true => f.assert_no_row(cell, &run),
            false => assert_refused!(f.verdict(&run), VerifyError::Opening(OpeningError::Constraint)),
        }
    }
    let carried = f.forge(1, |w| {
        w.add("x/limb0", 0, 1 << 12);
        w.add("x/limb1", 0, -1);
    });
    f.assert_no_row("carried", &carried);
    // Another value, limbs and all: the outputs are not its.
    let other = f.forge(1, |w| {
        let at = w.cells("x/limb0").iter().position(|&l| l < 4095).expect("one");
        w.add("x", at, 1);
        w.add("x/limb0", at, 1);
    });
    assert_refused!(f.verdict(&other), VerifyError::Opening(OpeningError::Constraint));
}

#[test]
fn a_copy_is_exact() {
    let models: [(fn() -> graph::Model, &[&str]); 3] = [
        (graph::copied_slice, &["slice1/copy"]),
        (graph::copied_concat, &["concat3/copy"]),
        (graph::copied_reshape, &["reshape1/copy", "reshape2/copy"]),
    ];
    for (model, copies) in models {
        let f = Fixture::quick(model());
        for cell in copies {
            let verdict = f.verdict(&f.forge(1, |w| w.add(cell, 3, 1)));
            assert_refused!(verdict, VerifyError::Opening(OpeningError::Constraint));
        }
    }
}

/// `a[i][j] + d, a[j][i] - d` would vanish if both axes shared challenges (DESIGN 5.3).
#[test]
fn an_antisymmetric_error_does_not_vanish() {
    let f = Fixture::quick(graph::square());
    let (mut statement, witness) = f.run(1);
    let n = statement.outputs[0].shape().dims()[0];
    let mut shown = statement.outputs[0].to_vec();
    shown[1] += 5;
    shown[n] -= 5;
    Forged { f: &f, statement: &mut statement, witness: &mut copy(&witness) }.show(0, shown);
    assert_refused!(f.verdict(&(statement, witness)), VerifyError::Opening(OpeningError::Constraint));
}

/// The operands' product decides the last check of the sumcheck; each operand is opened by itself.
#[test]
fn operands_are_what_is_opened() {
    for model in [graph::mlp, graph::no_lookups, graph::mlp_private] {
        let f = Fixture::quick(model());
        let (statement, witness) = f.run(1);
        let changes: [fn(&mut zkml_runtime::einsum::EinsumProof); 2] = [
            |e| {
                let [a, b] = e.operands[0];
                let half = zkml_runtime::field::F::from(zkml_runtime::field::BaseField::from(1 << 30));
                e.operands[0] = [a + a, b * half];
            },
            |e| e.operands[0].reverse(),
        ];
        for einsum in changes {
            let proof = cheat::prove(&f, &statement, &witness, Deviation { einsum, ..Deviation::default() });
            let verdict = f.verify(&statement, &proof);
            assert_refused!(verdict, VerifyError::Opening(OpeningError::Constraint));
        }
    }
}

/// What [`recount`] counts is what the trace counts, or the forgeries above would show nothing.
#[test]
fn recounting_an_honest_run_changes_nothing() {
    for (name, model) in graph::ALL {
        let f = Fixture::quick(model());
        let (statement, honest) = f.run(1);
        let mut witness: Witness = copy(&honest);
        recount(&f, &statement, &mut witness);
        assert_eq!(witness.multiplicities, honest.multiplicities, "{name}");
        let outputs = statement.outputs;
        let Witness { tensors, multiplicities } = witness;
        exec::debug_check(f.plan(), &exec::Witness { tensors, outputs, multiplicities }, &f.weights)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
