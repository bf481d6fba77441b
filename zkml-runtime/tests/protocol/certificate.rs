//! A setup with weights outside their declared ranges, and every way to certify them.

use crate::common::cheat::{prove, Deviation};
use crate::common::forge::{recount, Forged};
use crate::common::{assert_refused, graph, Fixture};
use zkml_ir::elem::Elem;
use zkml_ir::lower::{self, Lowered};
use zkml_ir::plan::Source;
use zkml_ir::tensor::{Data, IntTensor};
use zkml_runtime::artifact::{
    certificate_system, check_parts, ArtifactError, Certificate, CertificatePart, KeyData, Verifier,
};
use zkml_runtime::gkr::GkrError;
use zkml_runtime::pcs::OpeningError;
use zkml_runtime::pcs::Store;
use zkml_runtime::protocol::{
    self, CommittedWeights, Key, Label, Proof, Prover, Statement, VerifyError, Witness,
};

/// Weights by their index in [`graph::mlp`].
const W1: usize = 0;
const B1: usize = 1;

/// A model and the certificate of its weights, with one weight replaced: the key's tree holds it.
struct Setup {
    model: Fixture,
    committed: CommittedWeights,
    certificate: Fixture,
}

impl Setup {
    fn new(replaced: Option<(usize, i32)>) -> Self {
        Self::of(Fixture::quick(graph::mlp()), replaced)
    }

    fn of(model: Fixture, replaced: Option<(usize, i32)>) -> Self {
        let mut weights = model.weights.clone();
        if let Some((i, v)) = replaced {
            let mut values = weights[i].to_vec();
            values[3] = v;
            weights[i] =
                IntTensor::from_data(weights[i].shape().clone(), Data::I32(values)).expect("as many");
        }
        let committed = protocol::commit_weights(&model.prover, &weights, &Store::Memory)
            .expect("nothing looks at the values");
        let lowered = only(lower::certificate(model.plan()).expect("lowers"));
        let system = certificate_system(lowered.plan.clone(), model.system()).expect("sound");
        let prover = Prover::new(system).expect("prover");
        let under = committed.under(model.system(), &prover.system);
        let certificate = Fixture {
            graph: model.graph.clone(),
            params: Default::default(),
            lowered,
            prover,
            weights,
            committed: under,
            label: Label::Certificate,
        };
        Self { model, committed, certificate }
    }

    /// The certificate's run: 24-bit weights in two limbs, which `change` may alter.
    fn run(&self, change: impl FnOnce(&mut Forged)) -> (Statement, Witness) {
        let (f, plan) = (&self.certificate, self.certificate.plan());
        let mut statement = Statement { inputs: vec![], outputs: vec![] };
        let mut tensors: Vec<Option<Vec<i32>>> = vec![None; plan.tensors.len()];
        for (t, decl) in plan.tensors.iter().enumerate().filter(|(_, d)| d.source == Source::Trace) {
            let (name, limb) = decl.name.rsplit_once('/').expect("a cell of a weight");
            let weight = plan.tensors.iter().find(|d| d.name == name).expect("the weight");
            let Source::Weight(i) = weight.source else { panic!("{name} is no weight") };
            let up = f.weights[i].to_vec().into_iter().map(|v| v + (1 << 23));
            let part = |v: i32| if limb == "limb0" { v & 0xfff } else { v >> 12 };
            tensors[t] = Some(up.map(part).collect());
        }
        let mut witness = Witness { tensors, multiplicities: vec![] };
        change(&mut Forged { f, statement: &mut statement, witness: &mut witness });
        recount(f, &statement, &mut witness);
        (statement, witness)
    }

    fn forged(&self, deviation: Deviation) -> Proof {
        let (statement, witness) = self.run(|_| ());
        prove(&self.certificate, &statement, &witness, deviation)
    }

    /// What a verifier says of a key file with this certificate.
    fn key_file(&self, certificate: Option<Certificate>) -> Result<Verifier, ArtifactError> {
        let data = KeyData {
            model: self.model.graph.name.clone(),
            level: self.model.system().params().level,
            params: self.model.params.clone(),
            key: self.committed.key().clone(),
        };
        Verifier::new(&self.model.graph, &data, certificate.as_ref(), data.level.into())
    }

    fn certified(&self, proof: &Proof) -> Certificate {
        let Key { root, columns, digest } = *self.certificate.key();
        let parts = vec![CertificatePart { digest, argument: proof.to_bytes() }];
        Certificate { model: self.model.graph.name.clone(), root, columns, parts }
    }
}

fn only(mut parts: Vec<Lowered>) -> Lowered {
    assert_eq!(parts.len(), 1);
    parts.remove(0)
}

fn statement() -> Statement {
    Statement { inputs: vec![], outputs: vec![] }
}

#[test]
fn honest_weights_are_certified() {
    for replaced in
        [None, Some((W1, 127)), Some((W1, -128)), Some((B1, (1 << 23) - 1)), Some((B1, -(1 << 23)))]
    {
        let s = Setup::new(replaced);
        s.certificate.verdict(&s.run(|_| ())).expect("in range");
        let certificate = s.certified(&s.forged(Deviation::default()));
        s.key_file(Some(certificate)).expect("a verifier");
    }
}

#[test]
fn a_weight_lies_in_its_range() {
    let cases = [(W1, 300), (W1, 128), (W1, -129), (B1, 1 << 23), (B1, -(1 << 23) - 1), (B1, 1 << 30)];
    for (weight, v) in cases {
        let s = Setup::new(Some((weight, v)));
        s.certificate.assert_no_row(&format!("{v} in weight {weight}"), &s.run(|_| ()));
    }
}

/// Limbs in their ranges, which are not the weight's.
#[test]
fn the_limbs_of_a_weight_are_its_own() {
    for v in [1 << 23, -(1 << 23) - 1] {
        let s = Setup::new(Some((B1, v)));
        for high in [0, 4095] {
            let run = s.run(|w| w.cells("b1/limb1")[3] = high);
            assert_refused!(s.certificate.verdict(&run), VerifyError::Opening(OpeningError::Constraint));
        }
    }
}

/// The certificate of honest weights does not serve for others.
#[test]
fn a_certificate_is_of_its_weights() {
    let (honest, bad) = (Setup::new(None), Setup::new(Some((W1, 300))));
    let bad_key = bad.certificate.key();
    let verdict = |proof: &Proof| protocol::verify(bad.certificate.system(), bad_key, &statement(), proof);
    let proof = honest.forged(Deviation::default());
    assert_refused!(verdict(&proof), VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 }));
    let named = honest.forged(Deviation { key: Some(bad_key), ..Deviation::default() });
    assert_refused!(verdict(&named), VerifyError::Opening(OpeningError::Constraint));
}

/// What a reader of key files sees of each forgery.
#[test]
fn a_key_file_without_an_honest_certificate() {
    let (honest, bad) = (Setup::new(None), Setup::new(Some((W1, 300))));
    macro_rules! refused {
        ($certificate:expr, $($expected:tt)+) => {
            assert_refused!(bad.key_file($certificate), $($expected)+)
        };
    }
    refused!(None, ArtifactError::Uncertified);
    let forged = bad.certified(&bad.forged(Deviation::default()));
    refused!(Some(forged.clone()), ArtifactError::Certificate(VerifyError::Gkr(GkrError::NonZeroSum)));
    let other = honest.certified(&honest.forged(Deviation::default()));
    refused!(Some(other.clone()), ArtifactError::Certificate(VerifyError::WeightRoot));
    let renamed = Certificate {
        parts: vec![CertificatePart { digest: forged.parts[0].digest, ..other.parts[0].clone() }],
        ..forged
    };
    refused!(
        Some(renamed),
        ArtifactError::Certificate(VerifyError::Gkr(GkrError::LayerMismatch { layer: 1 }))
    );
}

/// A certificate of wider types for the same tree: 300 is an I12.
#[test]
fn a_certificate_is_of_the_declared_types() {
    let bad = Setup::new(Some((W1, 300)));
    let (graph, rescales) = graph::mlp();
    let mut wide = bad.model.plan().clone();
    let w1 = wide.tensors.iter_mut().find(|t| t.source == Source::Weight(W1)).expect("a weight");
    w1.range = Elem::I12.interval();
    let lowered = only(lower::certificate(&wide).expect("lowers"));
    let system = certificate_system(lowered.plan.clone(), bad.model.system()).expect("sound");
    let prover = Prover::new(system).expect("prover");
    let committed = bad.committed.under(bad.model.system(), &prover.system);
    let params = zkml_ir::graph::Params { rescales, steps: vec![] };
    let weights = bad.certificate.weights.clone();
    let certificate =
        Fixture { graph, params, lowered, prover, weights, committed, label: Label::Certificate };
    let widened = Setup { certificate, ..bad };
    let (statement, witness) = widened.run(|_| ());
    widened.certificate.verdict(&(statement, witness)).expect("true of the wider type");
    let certificate = widened.certified(&widened.forged(Deviation::default()));
    assert_refused!(
        widened.key_file(Some(certificate)),
        ArtifactError::Certificate(VerifyError::KeyDigest { .. })
    );
}

/// Each part of a certificate is needed, in its place, and is of its weights alone.
#[test]
fn every_part_of_a_certificate_is_checked() {
    let f = Fixture::quick(graph::mlp());
    let lowered = lower::certificate_in_parts(f.plan(), 100).expect("lowers");
    assert!(lowered.len() > 1, "{} parts", lowered.len());
    let system = |plan: &zkml_ir::plan::Plan| certificate_system(plan.clone(), f.system()).expect("sound");
    let systems: Vec<_> = lowered.iter().map(|part| system(&part.plan)).collect();
    let prove = |part: &Lowered, weights: &[IntTensor], committed: &CommittedWeights| {
        let prover = Prover::new(system(&part.plan)).expect("prover");
        let committed = committed.under(f.system(), &prover.system);
        let trace = zkml_ir::exec::certificate_trace(part, weights).expect("in range");
        let witness = Witness { tensors: trace.tensors, multiplicities: trace.multiplicities };
        let proof = protocol::prove(&prover, &committed, &statement(), witness).expect("proves");
        CertificatePart { digest: committed.key().digest, argument: proof.to_bytes() }
    };
    let Key { root, columns, .. } = *f.key();
    let parts: Vec<_> = lowered.iter().map(|part| prove(part, &f.weights, &f.committed)).collect();
    let honest = Certificate { model: f.graph.name.clone(), root, columns, parts };
    let check = |c: &Certificate| check_parts(f.system(), f.key(), &systems, c);
    check(&honest).expect("certified");

    let n = systems.len();
    let with = |change: &dyn Fn(&mut Certificate)| {
        let mut c = honest.clone();
        change(&mut c);
        check(&c)
    };
    let missing = with(&|c| drop(c.parts.pop()));
    let count = |r: Result<(), ArtifactError>| match r {
        Err(ArtifactError::CertificateParts { expected, got }) => (expected, got),
        other => panic!("{other:?}"),
    };
    assert_eq!(count(missing), (n, n - 1));
    let twice = with(&|c| c.parts.push(c.parts[0].clone()));
    assert_eq!(count(twice), (n, n + 1));
    let repeated = with(&|c| c.parts[1] = c.parts[0].clone());
    assert!(matches!(repeated, Err(ArtifactError::Certificate(_))), "{repeated:?}");
    let swapped = with(&|c| c.parts.swap(0, 1));
    assert!(matches!(swapped, Err(ArtifactError::Certificate(_))), "{swapped:?}");
    assert_refused!(with(&|c| c.root[0] ^= 1), ArtifactError::Certificate(VerifyError::WeightRoot));
    assert_refused!(
        with(&|c| c.parts[1].digest[0] ^= 1),
        ArtifactError::Certificate(VerifyError::KeyDigest { .. })
    );
    // One part over another tree: its own weights are those of the key, others are not.
    let mut other = f.weights.clone();
    let mut values = other[W1].to_vec();
    values[0] = if values[0] == 0 { 1 } else { 0 };
    other[W1] = IntTensor::from_data(other[W1].shape().clone(), Data::I32(values)).expect("as many");
    let committed = protocol::commit_weights(&f.prover, &other, &Store::Memory).expect("commits");
    let part = prove(&lowered[n - 1], &other, &committed);
    let moved = with(&|c| c.parts[n - 1] = part.clone());
    assert!(matches!(moved, Err(ArtifactError::Certificate(_))), "{moved:?}");
}
