//! A model that is set up once and proven many times.

use std::sync::atomic::{AtomicUsize, Ordering};
use zkml_dsl::dynamic::IntTensor;
use zkml_dsl::engine::{FloatTensor, FloatWeights, Proof};
use zkml_dsl::units::to_units;
use zkml_dsl::{DynamicInstance, DynamicModel, Error};
use zkml_ir::graph::Graph;

/// The inputs of one run, in the order of the graph.
pub type Sample = Vec<FloatTensor>;

/// A model with committed weights, and inputs that are proven in turn.
///
/// In turn, because a proof ends in a proof of work: how long its search takes is luck, and a function of the input. One
/// input would be measured with the same luck for ever, and a change of anything that is hashed would look like a change of
/// speed. Only graphs are told apart here, so one kind of code measures every model, typed or built.
#[derive(Debug)]
pub struct Ready {
    instance: DynamicInstance,
    model: DynamicModel,
    inputs: Vec<Vec<IntTensor>>,
    next: AtomicUsize,
}

/// What one proof says, as a verifier gets it.
#[derive(Debug)]
pub struct Proven {
    input: usize,
    outputs: Vec<IntTensor>,
    pub proof: Proof,
}

impl Ready {
    /// Calibrates and commits. What is proven (at least one input) should not be what chose the scales.
    pub fn new(
        graph: Graph,
        weights: &FloatWeights,
        calibration: &[Sample],
        proven: &[Sample],
    ) -> Result<Self, Error> {
        let instance = DynamicInstance::new(graph);
        let model = instance.calibrate(weights, calibration)?;
        let units = |(i, x): (usize, &FloatTensor)| to_units(model.graph(), model.params(), i, &x.data);
        let input = |sample: &Sample| sample.iter().enumerate().map(units).collect();
        let inputs = proven.iter().map(input).collect::<Result<_, _>>()?;
        Ok(Self { instance, model, inputs, next: AtomicUsize::new(0) })
    }

    pub fn model(&self) -> &DynamicModel {
        &self.model
    }

    /// Proves the next input.
    pub fn prove(&self) -> Result<Proven, Error> {
        let input = self.next.fetch_add(1, Ordering::Relaxed) % self.inputs.len().max(1);
        let (outputs, proof) = self.model.prove(self.input(input))?;
        Ok(Proven { input, outputs, proof })
    }

    /// The integers of the first input without a proof.
    pub fn infer(&self) -> Result<Vec<IntTensor>, Error> {
        self.model.run(self.input(0))
    }

    /// None of a model that was given none, which the model then says.
    fn input(&self, i: usize) -> &[IntTensor] {
        self.inputs.get(i).map_or(&[], Vec::as_slice)
    }

    /// A verifier of this model's proofs, which has seen the key: what is checked once for each key is checked here.
    pub fn verifier(&self, first: &Proven) -> Result<impl Fn(&Proven) -> Result<(), Error> + '_, Error> {
        let key = self.model.verifier_key();
        let verify = move |p: &Proven| self.instance.verify(&key, self.input(p.input), &p.outputs, &p.proof);
        verify(first)?;
        Ok(verify)
    }
}
