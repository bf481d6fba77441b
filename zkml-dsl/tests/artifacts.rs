//! Keys and proofs as files: whole, of this model, of this version, and certified; or refused by name.

#[path = "artifacts/concurrent.rs"]
mod concurrent;
#[cfg(unix)]
#[path = "artifacts/interrupted.rs"]
mod interrupted;
#[path = "artifacts/memory.rs"]
mod memory;

use zkml_dsl::engine::{
    verify, verify_at, AcceptedLevel, Error, Model, Proof, SecurityLevel, Statement, VerifierKey,
};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, Params, Rescale};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;
use zkml_runtime::artifact::{
    ArtifactError, Certificate, KeyData, PortableKey, StatementFile, FORMAT_VERSION,
};
use zkml_runtime::protocol::{SystemError, VerifyError};

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

fn params(graph: &Graph) -> Params {
    Params { rescales: vec![Rescale { m: 1, s: 4 }], steps: vec![1.0; graph.steps.names.len()] }
}

fn weights() -> Vec<IntTensor> {
    let w = [3, -5, 7, 100, -128, 127, 0, 1, 2, -9, 8, 60];
    vec![IntTensor::new(Shape::new([4, 3]), Elem::I8, &w).unwrap()]
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
    Model::new(graph.clone(), weights(), params(&graph)).unwrap()
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
    fn statement(&self) -> Statement {
        let x = (!self.graph.inputs[0].private).then(|| self.x.clone());
        Statement { inputs: vec![x], outputs: self.y.clone() }
    }

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
    assert_eq!((key.data(), &proof), (c.key.data(), &c.proof));
    let cert = dir.path().join("net.cert");
    c.key.certificate().unwrap().save(&cert).unwrap();
    let key = key.certified(Certificate::load(&cert, "net").unwrap());
    assert_eq!(key, c.key);
    c.verify(&key, &proof).unwrap();

    let (portable, values) = (dir.path().join("net.portable"), dir.path().join("net.statement"));
    c.key.portable(&c.graph).unwrap().save(&portable).unwrap();
    StatementFile { model: "net".into(), statement: c.statement() }.save(&values).unwrap();
    let statement = StatementFile::load(&values).unwrap();
    assert_eq!((&statement.model[..], &statement.statement), ("net", &c.statement()));
    let verifier =
        PortableKey::load(&portable).unwrap().verifier(key.certificate(), AcceptedLevel::Proven).unwrap();
    verifier.verify(&statement.statement, &proof).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 5, "no temporary file is left");
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
        ArtifactError::Version { expected: FORMAT_VERSION, got, .. } if got == FORMAT_VERSION ^ 1
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
    // So are other steps: no relation reads them, but they say what the integers mean.
    for step in 0..c.key.data().params.steps.len() {
        let mut data = c.key.data().clone();
        data.params.steps[step] *= 2.0;
        let e = c.verify(&VerifierKey::new(data), &c.proof);
        assert!(matches!(e, Err(ArtifactError::Verify(VerifyError::KeyDigest { .. }))), "step {step}");
    }
}

/// The level is in the key, which the prover's side makes: a verifier does not take whatever it says.
#[test]
fn a_conjectured_level_is_taken_by_name_only() {
    let graph = graph("net", false);
    let conjectured = SecurityLevel::Conjectured96;
    let model = Model::with(graph.clone(), weights(), params(&graph), conjectured).unwrap();
    let x = IntTensor::new(Shape::new([2, 4]), Elem::I8, &[1, -2, 3, 4, 127, -128, 5, 0]).unwrap();
    let (y, proof) = model.prove(std::slice::from_ref(&x)).unwrap();
    let (key, x) = (model.verifier_key(), [Some(x)]);
    let refused =
        |e| matches!(e, ArtifactError::Level { expected: AcceptedLevel::Proven, got } if got == conjectured);
    let Err(Error::Artifact(e)) = verify(&graph, &key, &x, &y, &proof) else { panic!("accepted") };
    assert!(refused(e));
    let portable = key.portable(&graph).unwrap();
    assert!(refused(portable.verifier(key.certificate(), AcceptedLevel::Proven).unwrap_err()));
    verify_at(conjectured.into(), &graph, &key, &x, &y, &proof).unwrap();
    // A verifier that was made once under the other rule is not handed out under this one.
    assert!(verify(&graph, &key, &x, &y, &proof).is_err());
    let compact = AcceptedLevel::Exactly(SecurityLevel::ProvenCompact);
    assert!(verify_at(compact, &graph, &key, &x, &y, &proof).is_err());
}

#[test]
fn keys_must_be_certified() {
    let c = case("net", false);
    let certificate = || c.key.certificate().unwrap().clone();
    let under = |data: KeyData, certificate: Option<Certificate>| {
        let key = VerifierKey::new(data);
        let key = match certificate {
            Some(certificate) => key.certified(certificate),
            None => key,
        };
        c.verify(&key, &c.proof)
    };
    let with = |change: &dyn Fn(&mut Certificate)| {
        let mut changed = certificate();
        change(&mut changed);
        under(c.key.data().clone(), Some(changed))
    };
    under(c.key.data().clone(), Some(certificate())).unwrap();
    // A key as it comes out of its file.
    let read = VerifierKey::from_bytes(&c.key.to_bytes(), "net").unwrap();
    assert!(matches!(c.verify(&read, &c.proof), Err(ArtifactError::Uncertified)));
    let portable = c.key.portable(&c.graph).unwrap();
    assert!(matches!(portable.verifier(None, AcceptedLevel::Proven), Err(ArtifactError::Uncertified)));
    // What was refused once is checked again, not remembered.
    c.verify(&read.certified(certificate()), &c.proof).unwrap();

    let e = with(&|d| d.model = "other".into());
    assert!(matches!(e, Err(ArtifactError::Model { kind: "certificate", .. })));
    let e = with(&|d| d.root[0] ^= 1);
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::WeightRoot))));
    let e = with(&|d| d.columns += 1);
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::WeightRoot))));
    let mut other_root = c.key.data().clone();
    other_root.key.root[0] ^= 1;
    let e = under(other_root.clone(), Some(certificate()));
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::WeightRoot))));
    let mut both = certificate();
    both.root[0] ^= 1;
    let e = under(other_root, Some(both));
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::Gkr(_)))), "{e:?}");
    let e = with(&|d| d.parts[0].digest[0] ^= 1);
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::KeyDigest { .. }))));
    let e = with(&|d| {
        d.parts[0].argument.pop();
    });
    assert!(matches!(e, Err(ArtifactError::Certificate(VerifyError::Wire(_)))));
    let e = with(&|d| d.parts.clear());
    assert!(matches!(e, Err(ArtifactError::CertificateParts { expected: 1, got: 0 })));
    let e = with(&|d| d.parts.push(d.parts[0].clone()));
    assert!(matches!(e, Err(ArtifactError::CertificateParts { expected: 1, got: 2 })));
    // A proof of the model is no certificate of its weights.
    let argument = c.proof.argument.clone();
    let e = with(&|d| d.parts[0].argument.clone_from(&argument));
    assert!(matches!(e, Err(ArtifactError::Certificate(_))), "{e:?}");
}

#[test]
fn certificates_and_statements_are_read_with_care() {
    let c = case("net", false);
    let certificate = c.key.certificate().unwrap().to_bytes();
    assert!(matches!(Certificate::from_bytes(&certificate, "other"), Err(ArtifactError::Model { .. })));
    assert!(matches!(
        Certificate::from_bytes(&c.key.to_bytes(), "net"),
        Err(ArtifactError::Kind { expected: "certificate" })
    ));
    let header = 16 + "net".len();
    for n in 0..header + 72 {
        let e = Certificate::from_bytes(&certificate[..n], "net").unwrap_err();
        assert!(matches!(e, ArtifactError::Kind { .. } | ArtifactError::Malformed { .. }), "{n}: {e}");
    }
    let statement = StatementFile { model: "net".into(), statement: c.statement() }.to_bytes();
    for n in 0..statement.len() {
        let e = StatementFile::from_bytes(&statement[..n]).unwrap_err();
        assert!(matches!(e, ArtifactError::Kind { .. } | ArtifactError::Malformed { .. }), "{n}: {e}");
    }
    let malformed = |bytes: &[u8]| match StatementFile::from_bytes(bytes) {
        Err(ArtifactError::Malformed { kind: "statement", reason }) => reason,
        other => panic!("{other:?}"),
    };
    malformed(&[&statement[..], &[0; 4]].concat());
    // Counts, rank and extents that the bytes do not hold, or that no tensor has.
    for (at, word) in [(0, u32::MAX), (4, 1 << 30), (8, 7), (12, u32::MAX), (12, 0), (16, 1 << 29)] {
        let mut b = statement.clone();
        b[header + at..header + at + 4].copy_from_slice(&word.to_le_bytes());
        malformed(&b);
    }
}

#[test]
fn a_portable_key_is_checked_whole() {
    let c = case("net", false);
    let (key, certificate) = (c.key.portable(&c.graph).unwrap(), c.key.certificate());
    let with = |change: &dyn Fn(&mut PortableKey)| {
        let mut changed = key.clone();
        change(&mut changed);
        changed.verifier(certificate, AcceptedLevel::Proven).unwrap_err()
    };
    let e = with(&|k| k.key.digest[0] ^= 1);
    assert!(matches!(e, ArtifactError::Verify(VerifyError::KeyDigest { .. })), "{e}");
    // Another plan, level or range is another digest.
    let e = with(&|k| k.plan.tensors[0].name.push('x'));
    assert!(matches!(e, ArtifactError::Verify(VerifyError::KeyDigest { .. })), "{e}");
    let e = with(&|k| k.level = SecurityLevel::ProvenCompact);
    assert!(matches!(e, ArtifactError::Verify(VerifyError::KeyDigest { .. })), "{e}");
    // A plan that would not be sound is refused as such.
    let e = with(&|k| k.plan.lookups.clear());
    assert!(matches!(e, ArtifactError::System(SystemError::Plan(_))), "{e}");
    let e = with(&|k| k.key.columns = 7);
    assert!(matches!(e, ArtifactError::Verify(VerifyError::KeyShape { .. })), "{e}");
    let bytes = key.to_bytes();
    assert_eq!(PortableKey::from_bytes(&bytes).unwrap(), key);
    for n in (0..bytes.len()).step_by(7) {
        let e = PortableKey::from_bytes(&bytes[..n]).unwrap_err();
        assert!(matches!(e, ArtifactError::Kind { .. } | ArtifactError::Malformed { .. }), "{n}: {e}");
    }
    let other = graph("other", false);
    assert!(matches!(c.key.portable(&other), Err(ArtifactError::Model { .. })));
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
