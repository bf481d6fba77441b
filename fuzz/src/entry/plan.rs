//! Plans from anywhere: whatever the checks let through is laid out, certified and verified against.

use super::edits;
use super::golden::golden;
use super::graph;
use super::key::params;
use std::sync::OnceLock;
use zkml_ir::layout::Layout;
use zkml_ir::lower;
use zkml_ir::plan::{check, Plan, Source};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::{Data, IntTensor};
use zkml_runtime::artifact::certificate_system;
use zkml_runtime::claims::{Functional, PublicValues};
use zkml_runtime::einsum;
use zkml_runtime::field::F;
use zkml_runtime::protocol::{self, Key, Label, Proof, Statement, System};
use zkml_runtime::security::SecurityLevel;
use zkml_runtime::transcript::Transcript;
use zkml_runtime::wire::WireError;

/// The first byte chooses a plan whose bytes the rest edits, or that the rest is a plan. From 128 on, accepted plans are
/// laid out and no more: computing their tables takes the most time by far.
pub fn run(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    let then = if choice < 128 { verified } else { laid_out };
    let bytes = match plans().get(choice as usize % 128 % (plans().len() + 1)) {
        None => rest.to_vec(),
        Some(plan) => {
            let mut bytes = plan.clone();
            edits::apply(rest, &mut bytes);
            bytes
        }
    };
    if let Ok(plan) = postcard::from_bytes(&bytes) {
        then(plan);
    }
}

/// The plans of the golden keys and of every small graph.
fn plans() -> &'static [Vec<u8>] {
    static PLANS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PLANS.get_or_init(|| {
        let bytes = |plan: &Plan| postcard::to_stdvec(plan).expect("a plan serialises");
        let lowered = graph::ALL.iter().map(|(_, build)| {
            let model = build();
            bytes(&lower::lower(&model.0, &params(&model)).expect("lowers").plan)
        });
        (0..3).map(|model| bytes(golden(model).verifier.system().plan())).chain(lowered).collect()
    })
}

fn laid_out(plan: Plan) {
    if check(&plan).is_ok() {
        assert_eq!(Layout::new(&plan).tensors.len(), plan.tensors.len());
    }
}

fn verified(plan: Plan) {
    let Ok(system) = System::new(plan, SecurityLevel::Proven, Label::Inference) else { return };
    for part in lower::certificate(system.plan()).unwrap_or_default() {
        if let Ok(certified) = certificate_system(part.plan, &system) {
            assert_eq!(system.weight_placements().len(), certified.weight_placements().len());
        }
    }
    let Some(statement) = statement(system.plan()) else { return };
    if statement.check(&system).is_err() {
        return;
    }
    claims(&system, &statement);
    if let Some(proof) = zeros(&system) {
        let key = Key { root: [0; 32], columns: system.layout().columns[0], digest: system.digest().0 };
        assert!(protocol::verify(&system, &key, &statement, &proof).is_err(), "a proof of zeros is accepted");
    }
}

/// The least value of every public cell, unless a plan asks for many.
fn statement(plan: &Plan) -> Option<Statement> {
    let public = |s: &Source| matches!(s, Source::PublicInput(_) | Source::PublicOutput(_));
    if plan.cells(public) > 1 << 16 {
        return None;
    }
    let (mut inputs, mut outputs) = (vec![], vec![]);
    fn put<T: Clone>(list: &mut Vec<T>, i: usize, empty: T, value: T) {
        list.resize(list.len().max(i + 1), empty);
        list[i] = value;
    }
    for t in &plan.tensors {
        let value = || {
            let shape = t.axes.shape();
            let values = vec![t.range.lo as i32; shape.len()];
            IntTensor::from_data(shape, Data::I32(values)).expect("as many")
        };
        let none = || IntTensor::from_data(Shape::new([1]), Data::I32(vec![0])).expect("one");
        match t.source {
            Source::PublicInput(i) => put(&mut inputs, i, None, Some(value())),
            Source::PrivateInput(i) => put(&mut inputs, i, None, None),
            Source::PublicOutput(i) => put(&mut outputs, i, none(), value()),
            _ => {}
        }
    }
    Some(Statement { inputs, outputs })
}

/// The claims that a sumcheck of zeros leaves: the lookup argument would refuse zeros before they are made.
fn claims(system: &System, statement: &Statement) {
    let (plan, zero) = (system.plan(), F::default());
    let shape = einsum::Shape::new(plan);
    let (rounds, operands) = (vec![[zero; 3]; shape.rounds], vec![[zero; 2]; shape.instances.len()]);
    let proof = einsum::EinsumProof { sum: zero, rounds, operands };
    let Ok(at) = einsum::verify(&mut Transcript::default(), plan, &proof) else { return };
    let mut functional = Functional::new(plan, system.layout());
    einsum::claims(&mut functional, &mut std::iter::repeat(F::from(3u32)), plan, &proof, &at);
    let (_, _, public) = functional.finish();
    let values = PublicValues::new(plan, &statement.inputs, &statement.outputs);
    public.iter().for_each(|part| {
        values.eval(plan, part);
    });
}

/// A proof of zeros with the lengths that the system asks for.
fn zeros(system: &System) -> Option<Proof> {
    let mut bytes = vec![0; 1 << 20];
    match Proof::from_bytes(&bytes, system) {
        Err(WireError::Trailing { got }) => bytes.truncate(bytes.len() - got),
        _ => return None,
    }
    Proof::from_bytes(&bytes, system).ok()
}
