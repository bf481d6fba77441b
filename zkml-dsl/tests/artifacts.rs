//! Keys and proofs as files: whole, of this model, of this version, and certified; or refused by name.

#[path = "artifacts/concurrent.rs"]
mod concurrent;
#[cfg(unix)]
#[path = "artifacts/interrupted.rs"]
mod interrupted;
#[path = "artifacts/memory.rs"]
mod memory;

use zkml_dsl::engine::{verify, Error, Model, Proof, VerifierKey};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, Params, Rescale};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;
use zkml_runtime::artifact::ArtifactError;
use zkml_runtime::protocol::VerifyError;

/// `quantize_int8(x w)`, x private or not.
fn graph(name: &str, private: bool) -> Graph {
    let mut b = GraphBuilder::new(name);
    let x = b.input("x", Elem::I8, Shape::new([2, 4]), private);
    let w = b.weight("w", Elem::I8, Shape::new([4, 3]), Layout::InOut);
    let call = |tensors: Vec<usize>, named: &[(&str, Arg)]| Call {
        tensors,
        named: named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect(),
        ..Call::default()
    };
    let acc = find("matmul").unwrap().build(&mut b, &call(vec![x, w], &[])).unwrap()[0];
    let shift = call(vec![acc], &[("shift", Arg::Int(4))]);
    let y = find("quantize_int8").unwrap().build(&mut b, &shift).unwrap()[0];
    b.output("y", y);
    b.finish()
}

struct Case {
    graph: Graph,
    key: VerifierKey,
    x: IntTensor,
    y: Vec<IntTensor>,
    proof: Proof,
}

fn model(name: &str, private: bool) -> Model {
    let graph = graph(name, private);
    let w = IntTensor::new(Shape::new([4, 3]), Elem::I8, &[3, -5, 7, 100, -128, 127, 0, 1, 2, -9, 8, 60])
        .unwrap();
    let params = Params { rescales: vec![Rescale { m: 1, s: 4 }], steps: vec![1.0; graph.steps.names.len()] };
    Model::new(graph, vec![w], params).unwrap()
}

fn input() -> IntTensor {
    IntTensor::new(Shape::new([2, 4]), Elem::I8, &[1, -2, 3, 4, 127, -128, 5, 0]).unwrap()
}

fn case(name: &str, private: bool) -> Case {
    let (model, x) = (model(name, private), input());
    let (y, proof) = model.prove(std::slice::from_ref(&x)).unwrap();
    Case { graph: graph(name, private), key: model.verifier_key(), x, y, proof }
}

impl Case {
    fn verify(&self, key: &VerifierKey, proof: &Proof) -> Result<(), ArtifactError> {
        let x = (!self.graph.inputs[0].private).then(|| self.x.clone());
        verify(&self.graph, key, &[x], &self.y, proof).map_err(|e| match e {
            Error::Artifact(e) => e,
            other => panic!("{other}"),
        })
    }
}

#[test]
fn files_come_back_as_they_were() {
    let c = case("net", false);
    let dir = tempfile::tempdir().unwrap();
    let (k, p) = (dir.path().join("net.key"), dir.path().join("net.proof"));
    c.key.save(&k).unwrap();
    c.proof.save(&p).unwrap();
    let (key, proof) = (VerifierKey::load(&k, "net").unwrap(), Proof::load(&p).unwrap());
    assert_eq!((&key, &proof), (&c.key, &c.proof));
    c.verify(&key, &proof).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no temporary file is left");
    assert!(matches!(VerifierKey::load(dir.path().join("none"), "net"), Err(ArtifactError::Io { .. })));
}

#[test]
fn headers_say_what_is_wrong() {
    let c = case("net", false);
    let (key, proof) = (c.key.to_bytes(), c.proof.to_bytes());
    let changed = |bytes: &[u8], at: usize| {
        let mut b = bytes.to_vec();
        b[at] ^= 1;
        b
    };
    let key_error = |b: &[u8], name: &str| VerifierKey::from_bytes(b, name).unwrap_err();
    assert!(matches!(key_error(&changed(&key, 0), "net"), ArtifactError::Kind { expected: "verifier key" }));
    assert!(matches!(key_error(&proof, "net"), ArtifactError::Kind { expected: "verifier key" }));
    assert!(matches!(
        key_error(&changed(&key, 8), "net"),
        ArtifactError::Version { expected: 1, got: 0, .. }
    ));
    assert!(matches!(key_error(&key, "other"), ArtifactError::Model { .. }));
    assert!(matches!(key_error(&[&key[..], &[0]].concat(), "net"), ArtifactError::Malformed { .. }));
    for n in (0..key.len()).step_by(key.len() / 97) {
        let e = key_error(&key[..n], "net");
        assert!(matches!(e, ArtifactError::Kind { .. } | ArtifactError::Malformed { .. }), "{n}: {e}");
    }
    let proof_error = |b: &[u8]| Proof::from_bytes(b).unwrap_err();
    assert!(matches!(proof_error(&key), ArtifactError::Kind { expected: "proof" }));
    assert!(matches!(proof_error(&changed(&proof, 8)), ArtifactError::Version { .. }));
    for n in 0..52 {
        let e = proof_error(&proof[..n]);
        assert!(matches!(e, ArtifactError::Kind { .. } | ArtifactError::Malformed { .. }), "{n}: {e}");
    }
    let short = Proof::from_bytes(&proof[..proof.len() - 1]).unwrap();
    assert!(matches!(c.verify(&c.key, &short), Err(ArtifactError::Verify(VerifyError::Wire(_)))));
}

#[test]
fn a_proof_is_of_one_model_under_one_key() {
    let c = case("net", false);
    let other = case("other", false);
    assert!(matches!(c.verify(&c.key, &other.proof), Err(ArtifactError::Model { kind: "proof", .. })));
    assert!(matches!(c.verify(&other.key, &c.proof), Err(ArtifactError::Model { kind: "verifier key", .. })));
    let digest = Proof { digest: [7; 32], ..c.proof.clone() };
    assert!(matches!(c.verify(&c.key, &digest), Err(ArtifactError::Digest { .. })));
    // Another rescale is another model.
    let mut data = c.key.data().clone();
    data.params.rescales[0].s = 5;
    let e = c.verify(&VerifierKey::new(data), &c.proof);
    assert!(matches!(e, Err(ArtifactError::Verify(VerifyError::KeyDigest { .. }))));
}

#[test]
fn keys_must_be_certified() {
    let c = case("net", false);
    let with = |change: &dyn Fn(&mut zkml_runtime::artifact::KeyData)| {
        let mut data = c.key.data().clone();
        change(&mut data);
        c.verify(&VerifierKey::new(data), &c.proof)
    };
    assert!(matches!(with(&|d| d.certificate = None), Err(ArtifactError::Uncertified)));
    let e = with(&|d| d.certificate.as_mut().unwrap().key.root[0] ^= 1);
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::WeightRoot))));
    let e = with(&|d| d.key.root[0] ^= 1);
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::WeightRoot))));
    let e = with(&|d| {
        d.key.root[0] ^= 1;
        d.certificate.as_mut().unwrap().key.root[0] ^= 1;
    });
    assert!(matches!(e, Err(ArtifactError::Certificate(_))), "{e:?}");
    let e = with(&|d| d.certificate.as_mut().unwrap().key.digest[0] ^= 1);
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::KeyDigest { .. }))));
    let e = with(&|d| {
        d.certificate.as_mut().unwrap().proof.pop();
    });
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::Wire(_)))));
}

#[test]
fn a_private_input_is_a_commitment() {
    let c = case("net", true);
    c.verify(&c.key, &c.proof).unwrap();
    assert!(c.proof.private_inputs.is_some());
    let other = Proof { private_inputs: Some([1; 32]), ..c.proof.clone() };
    assert!(matches!(c.verify(&c.key, &other), Err(ArtifactError::Verify(VerifyError::PrivateCommitment))));
    let none = Proof { private_inputs: None, ..c.proof.clone() };
    assert!(matches!(c.verify(&c.key, &none), Err(ArtifactError::Verify(VerifyError::PrivateCommitment))));
    // Its value is no part of the statement.
    let e = verify(&c.graph, &c.key, &[Some(c.x.clone())], &c.y, &c.proof);
    assert!(e.is_err());
}
