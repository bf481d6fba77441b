//! Graphs with seeded weights and inputs, set up to prove.

pub mod graph;

use zkml_ir::exec;
use zkml_ir::graph::{Graph, Params, Rescale};
use zkml_ir::lower::{lower, Lowered};
use zkml_ir::tensor::IntTensor;
use zkml_runtime::protocol::{
    self, CommittedWeights, Label, Proof, Prover, Statement, System, VerifyError, Witness,
};
use zkml_runtime::security::SecurityLevel;

pub struct Fixture {
    pub graph: Graph,
    pub params: Params,
    pub lowered: Lowered,
    pub prover: Prover,
    pub weights: Vec<IntTensor>,
    pub committed: CommittedWeights,
}

/// Deterministic values of a tensor type.
pub fn random(seed: u64, ty: &zkml_ir::graph::TensorType) -> IntTensor {
    let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let range = ty.elem.interval();
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

impl Fixture {
    pub fn new((graph, rescales): (Graph, Vec<Rescale>)) -> Self {
        let params = Params { rescales, steps: vec![1.0 / 64.0; graph.steps.names.len()] };
        let lowered = lower(&graph, &params).expect("lowers");
        let system =
            System::new(lowered.plan.clone(), SecurityLevel::Proven, Label::Inference).expect("sound");
        let prover = Prover::new(system).expect("parameters");
        let weights: Vec<IntTensor> =
            graph.weights.iter().enumerate().map(|(i, w)| random(7 + i as u64, graph.ty(w.node))).collect();
        let committed = protocol::commit_weights(&prover, &weights).expect("commits");
        Self { graph, params, lowered, prover, weights, committed }
    }

    pub fn inputs(&self, seed: u64) -> Vec<IntTensor> {
        self.graph
            .inputs
            .iter()
            .enumerate()
            .map(|(i, p)| random(seed + i as u64, self.graph.ty(p.node)))
            .collect()
    }

    pub fn prove(&self, seed: u64) -> (Statement, Proof) {
        self.prove_with(&self.inputs(seed), |_| ())
    }

    /// Proves a run whose witness was changed.
    pub fn prove_with(&self, inputs: &[IntTensor], change: impl FnOnce(&mut Witness)) -> (Statement, Proof) {
        let trace =
            exec::trace(&self.graph, &self.lowered, &self.params, &self.weights, inputs).expect("runs");
        let public = self.graph.inputs.iter().zip(inputs).map(|(p, v)| (!p.private).then(|| v.clone()));
        let statement = Statement { inputs: public.collect(), outputs: trace.outputs };
        let mut witness = Witness { tensors: trace.tensors, multiplicities: trace.multiplicities };
        change(&mut witness);
        let proof = protocol::prove(&self.prover, &self.committed, &statement, witness).expect("proves");
        (statement, proof)
    }

    pub fn verify(&self, statement: &Statement, proof: &Proof) -> Result<(), VerifyError> {
        protocol::verify(&self.prover.system, self.committed.key(), statement, proof)
    }
}
