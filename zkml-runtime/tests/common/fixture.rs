//! A graph with seeded weights, lowered, committed, ready to prove.

use super::graph::Model;
use zkml_ir::exec;
use zkml_ir::graph::{Graph, Params};
use zkml_ir::lower::{lower, Lowered};
use zkml_ir::plan::Plan;
use zkml_ir::tensor::IntTensor;
use zkml_runtime::pcs::Store;
use zkml_runtime::protocol::{
    self, CommittedWeights, Key, Label, Proof, ProveError, Prover, Statement, System, VerifyError, Witness,
};
use zkml_runtime::security::SecurityLevel;

pub struct Fixture {
    pub graph: Graph,
    pub params: Params,
    pub lowered: Lowered,
    pub prover: Prover,
    pub weights: Vec<IntTensor>,
    pub committed: CommittedWeights,
    pub label: Label,
}

/// Deterministic values of a tensor type.
fn random(seed: u64, ty: &zkml_ir::graph::TensorType) -> IntTensor {
    let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    // An input of flags is narrower than its element type.
    let range = ty.interval;
    let values: Vec<i32> = (0..ty.shape.len())
        .map(|_| {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            (range.lo + (s >> 11) as i64 % (range.width() + 1)) as i32
        })
        .collect();
    IntTensor::new(ty.shape.clone(), ty.elem, &values).expect("in range")
}

fn params((graph, rescales): &Model) -> Params {
    Params { rescales: rescales.clone(), steps: vec![1.0 / 64.0; graph.steps.names.len()] }
}

impl Fixture {
    pub fn new(model: Model) -> Self {
        Self::with(model, 7, SecurityLevel::Proven, Label::Inference)
    }

    /// With fewer queries and less grinding, for tests that make many proofs.
    pub fn quick(model: Model) -> Self {
        Self::seeded(model, 7)
    }

    /// [`Fixture::quick`] with other weights.
    pub fn seeded(model: Model, seed: u64) -> Self {
        Self::with(model, seed, SecurityLevel::Conjectured96, Label::Inference)
    }

    pub fn with(model: Model, seed: u64, level: SecurityLevel, label: Label) -> Self {
        let plan = lower(&model.0, &params(&model)).expect("lowers").plan;
        let system = System::new(plan, level, label).expect("sound");
        Self::on(model, seed, Prover::new(system).expect("parameters"), label)
    }

    /// With a prover of the model's plan.
    pub fn on(model: Model, seed: u64, prover: Prover, label: Label) -> Self {
        let params = params(&model);
        let graph = model.0;
        let lowered = lower(&graph, &params).expect("lowers");
        let weights: Vec<IntTensor> = graph
            .weights
            .iter()
            .enumerate()
            .map(|(i, w)| random(seed + i as u64, graph.ty(w.node)))
            .collect();
        let committed = protocol::commit_weights(&prover, &weights, &Store::Memory).expect("commits");
        Self { graph, params, lowered, prover, weights, committed, label }
    }

    pub fn system(&self) -> &System {
        &self.prover.system
    }

    pub fn plan(&self) -> &Plan {
        self.system().plan()
    }

    pub fn key(&self) -> &Key {
        self.committed.key()
    }

    /// The tensor of the plan whose name ends like this.
    pub fn tensor(&self, name: &str) -> usize {
        let found: Vec<usize> =
            (0..self.plan().tensors.len()).filter(|&t| self.plan().tensors[t].name.ends_with(name)).collect();
        assert_eq!(found.len(), 1, "`{name}` among {:?}", self.names());
        found[0]
    }

    fn names(&self) -> Vec<&str> {
        self.plan().tensors.iter().map(|t| &t.name[..]).collect()
    }

    pub fn inputs(&self, seed: u64) -> Vec<IntTensor> {
        self.graph
            .inputs
            .iter()
            .enumerate()
            .map(|(i, p)| random(seed + i as u64, self.graph.ty(p.node)))
            .collect()
    }

    /// What an honest prover starts from.
    pub fn run(&self, seed: u64) -> (Statement, Witness) {
        let inputs = self.inputs(seed);
        let trace =
            exec::trace(&self.graph, &self.lowered, &self.params, &self.weights, &inputs).expect("runs");
        let public = self.graph.inputs.iter().zip(&inputs).map(|(p, v)| (!p.private).then(|| v.clone()));
        let statement = Statement { inputs: public.collect(), outputs: trace.outputs };
        (statement, Witness { tensors: trace.tensors, multiplicities: trace.multiplicities })
    }

    pub fn prove(&self, seed: u64) -> (Statement, Proof) {
        let (statement, witness) = self.run(seed);
        let proof = self.prove_as(&statement, witness).expect("proves");
        (statement, proof)
    }

    pub fn prove_as(&self, statement: &Statement, witness: Witness) -> Result<Proof, ProveError> {
        protocol::prove(&self.prover, &self.committed, statement, witness)
    }

    pub fn verify(&self, statement: &Statement, proof: &Proof) -> Result<(), VerifyError> {
        protocol::verify(self.system(), self.key(), statement, proof)
    }
}
