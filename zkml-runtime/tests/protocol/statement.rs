//! Statements, keys and models that are not those of a proof.

use crate::common::fixture::Fixture;
use crate::common::{assert_refused, graph};
use zkml_ir::elem::P;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::{Data, IntTensor};
use zkml_runtime::gkr::GkrError;
use zkml_runtime::protocol::{self, Key, Label, Statement, StatementError, VerifyError};
use zkml_runtime::security::SecurityLevel;

/// A challenge differs from layer 1 on, the first that has one: the transcript held the change before alpha was drawn.
fn other_challenges(verdict: Result<(), VerifyError>) {
    assert_refused!(verdict, VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 }));
}

fn ints(dims: &[usize], values: Vec<i32>) -> IntTensor {
    IntTensor::from_data(Shape::new(dims), Data::I32(values)).expect("as many")
}

/// An honest proof under a changed statement.
fn restated(f: &Fixture, change: impl FnOnce(&mut Statement)) -> Result<(), VerifyError> {
    let (mut statement, proof) = f.prove(1);
    change(&mut statement);
    f.verify(&statement, &proof)
}

#[test]
fn public_values_changed_after_the_fact() {
    let f = Fixture::new(graph::mlp());
    let (dims_x, dims_y) = ([3, 20], [3, 10]);
    other_challenges(restated(&f, |s| {
        let mut v = s.inputs[0].as_ref().expect("public").to_vec();
        v[7] ^= 1;
        s.inputs[0] = Some(ints(&dims_x, v));
    }));
    other_challenges(restated(&f, |s| {
        let mut v = s.outputs[0].to_vec();
        v[29] += 1;
        s.outputs[0] = ints(&dims_y, v);
    }));
}

/// The storage of a tensor is no part of the statement: the same integers are the same statement.
#[test]
fn equal_values_in_wider_storage_are_the_same_statement() {
    let f = Fixture::new(graph::mlp());
    let wide = restated(&f, |s| {
        let v = s.inputs[0].as_ref().expect("public").to_vec();
        s.inputs[0] = Some(ints(&[3, 20], v));
    });
    wide.expect("the same statement");
}

#[test]
fn values_shifted_by_p_are_out_of_range() {
    let f = Fixture::new(graph::mlp());
    let p = P as i32;
    for (negative, shift) in [(true, p), (false, -p)] {
        let verdict = restated(&f, |s| {
            let mut v = s.inputs[0].as_ref().expect("public").to_vec();
            let at = v.iter().position(|x| (*x < 0) == negative).expect("of either sign");
            v[at] += shift;
            s.inputs[0] = Some(ints(&[3, 20], v));
        });
        assert_refused!(verdict, VerifyError::Statement(StatementError::Range { .. }));
        let verdict = restated(&f, |s| {
            let mut v = s.outputs[0].to_vec();
            let at = v.iter().position(|x| (*x < 0) == negative).expect("of either sign");
            v[at] += shift;
            s.outputs[0] = ints(&[3, 10], v);
        });
        assert_refused!(verdict, VerifyError::Statement(StatementError::Range { .. }));
    }
}

#[test]
fn a_statement_has_the_model_s_number_of_values() {
    let f = Fixture::new(graph::mlp());
    let some = || Some(ints(&[1], vec![0]));
    assert_refused!(
        restated(&f, |s| s.inputs.clear()),
        VerifyError::Statement(StatementError::Inputs { expected: 1, got: 0 })
    );
    for extra in [None, some()] {
        assert_refused!(
            restated(&f, |s| s.inputs.push(extra)),
            VerifyError::Statement(StatementError::Inputs { expected: 1, got: 2 })
        );
    }
    assert_refused!(
        restated(&f, |s| s.outputs.clear()),
        VerifyError::Statement(StatementError::Outputs { expected: 1, got: 0 })
    );
    assert_refused!(
        restated(&f, |s| s.outputs.push(ints(&[1], vec![0]))),
        VerifyError::Statement(StatementError::Outputs { expected: 1, got: 2 })
    );
    // Trailing private inputs count too.
    assert_refused!(
        restated(&Fixture::new(graph::private_types()), |s| {
            s.inputs.pop();
        }),
        VerifyError::Statement(StatementError::Inputs { expected: 4, got: 3 })
    );
}

#[test]
fn a_statement_has_the_model_s_shapes_and_secrets() {
    let f = Fixture::new(graph::mlp());
    assert_refused!(
        restated(&f, |s| {
            let v = s.inputs[0].as_ref().expect("public").to_vec();
            s.inputs[0] = Some(ints(&[20, 3], v));
        }),
        VerifyError::Statement(StatementError::Shape { .. })
    );
    assert_refused!(
        restated(&f, |s| s.outputs[0] = ints(&[30], s.outputs[0].to_vec())),
        VerifyError::Statement(StatementError::Shape { .. })
    );
    assert_refused!(
        restated(&f, |s| s.inputs[0] = None),
        VerifyError::Statement(StatementError::NotPublic { .. })
    );
    let secret = Fixture::new(graph::mlp_private());
    let x = secret.inputs(1).remove(0);
    assert_refused!(
        restated(&secret, |s| s.inputs[0] = Some(x)),
        VerifyError::Statement(StatementError::NotPrivate { .. })
    );
}

#[test]
fn a_key_is_absorbed_and_of_the_model() {
    let f = Fixture::new(graph::mlp());
    let (statement, proof) = f.prove(1);
    let under = |change: fn(&mut Key)| {
        let mut key = f.key().clone();
        change(&mut key);
        protocol::verify(f.system(), &key, &statement, &proof)
    };
    other_challenges(under(|k| k.root[31] ^= 1));
    assert_refused!(under(|k| k.columns += 1), VerifyError::KeyShape { .. });
    assert_refused!(under(|k| k.digest[0] ^= 1), VerifyError::KeyDigest { .. });
}

#[test]
fn a_proof_is_of_one_model() {
    let f = Fixture::new(graph::mlp());
    let (statement, proof) = f.prove(1);
    let (model, mut rescales) = graph::mlp();
    rescales[0].s += 1;
    let other_scale = Fixture::new((model, rescales));
    let compact = Fixture::with(graph::mlp(), 7, SecurityLevel::ProvenCompact, Label::Inference);
    for other in [Fixture::new(graph::residual()), other_scale, compact] {
        let verdict = protocol::verify(other.system(), f.key(), &statement, &proof);
        assert_refused!(verdict, VerifyError::KeyDigest { .. });
    }
}

/// The same columns under the digest of another rescale: only the transcript tells them apart.
#[test]
fn a_proof_is_of_one_digest() {
    let f = Fixture::new(graph::mlp());
    let (model, mut rescales) = graph::mlp();
    rescales[0].s += 1;
    let other = Fixture::new((model, rescales));
    assert_eq!(f.key().root, other.key().root, "the same weights");
    let (statement, proof) = f.prove(1);
    other_challenges(other.verify(&statement, &proof));
}

#[test]
fn a_proof_is_of_one_label() {
    let f = Fixture::new(graph::mlp());
    let other = Fixture::with(graph::mlp(), 7, SecurityLevel::Proven, Label::Certificate);
    assert_eq!(f.key(), other.key(), "they differ in nothing else");
    let (statement, proof) = f.prove(1);
    other_challenges(other.verify(&statement, &proof));
}

#[test]
fn private_inputs_are_bound_by_their_root() {
    let f = Fixture::new(graph::mlp_private());
    let (statement, proof) = f.prove(1);
    let with = |root| {
        let mut proof = proof.clone();
        proof.private_root = root;
        f.verify(&statement, &proof)
    };
    let other = f.prove(2).1.private_root;
    assert_ne!(other, proof.private_root);
    other_challenges(with(other));
    other_challenges(with(Some(proof.trace_root)));
    assert_refused!(with(None), VerifyError::PrivateRoot { expected: true, got: false });

    let public = Fixture::new(graph::mlp());
    let (statement, mut proof) = public.prove(1);
    proof.private_root = Some(proof.trace_root);
    let verdict = public.verify(&statement, &proof);
    assert_refused!(verdict, VerifyError::PrivateRoot { expected: false, got: true });
}

/// Tokens are read as rows of a table: another token is another statement, one that names no row is refused.
#[test]
fn tokens_are_part_of_the_statement() {
    let f = Fixture::new(graph::embedding());
    let with = |at: usize, token: Option<i32>| {
        restated(&f, |s| {
            let mut v = s.inputs[0].as_ref().expect("public").to_vec();
            v[at] = token.unwrap_or((v[at] + 1) % 12);
            s.inputs[0] = Some(ints(&[5], v));
        })
    };
    other_challenges(with(0, None));
    other_challenges(with(4, None));
    for token in [12, -1, P as i32] {
        assert_refused!(with(2, Some(token)), VerifyError::Statement(StatementError::Range { index: 2, .. }));
    }
}
