//! A model that is set up once and proven many times.

use zkml_dsl::dynamic::IntTensor;
use zkml_dsl::engine::{FloatTensor, FloatWeights, Proof};
use zkml_dsl::units::to_units;
use zkml_dsl::{DynamicInstance, DynamicModel, Error};
use zkml_ir::graph::Graph;

/// A model with committed weights, and the inputs that are proven.
///
/// Only graphs are told apart here, so one kind of code measures every model, typed or built.
#[derive(Debug)]
pub struct Ready {
    instance: DynamicInstance,
    model: DynamicModel,
    inputs: Vec<IntTensor>,
}

/// What one proof says, as a verifier gets it.
#[derive(Debug)]
pub struct Proven {
    outputs: Vec<IntTensor>,
    pub proof: Proof,
}

impl Ready {
    /// Calibrates and commits. All samples but the last choose the scales, the last is what is proven: a model proves
    /// inputs that it was not calibrated on.
    pub fn new(graph: Graph, weights: &FloatWeights, samples: &[Vec<FloatTensor>]) -> Result<Self, Error> {
        let instance = DynamicInstance::new(graph);
        let (proven, calibration) = match samples {
            [calibration @ .., last] if !calibration.is_empty() => (last.as_slice(), calibration),
            [only] => (only.as_slice(), samples),
            _ => (&[][..], samples),
        };
        let model = instance.calibrate(weights, calibration)?;
        let units = |(i, x): (usize, &FloatTensor)| to_units(model.graph(), model.params(), i, &x.data);
        let inputs = proven.iter().enumerate().map(units).collect::<Result<_, _>>()?;
        Ok(Self { instance, model, inputs })
    }

    pub fn model(&self) -> &DynamicModel {
        &self.model
    }

    pub fn prove(&self) -> Result<Proven, Error> {
        let (outputs, proof) = self.model.prove(&self.inputs)?;
        Ok(Proven { outputs, proof })
    }

    /// The same integers without a proof.
    pub fn infer(&self) -> Result<Vec<IntTensor>, Error> {
        self.model.run(&self.inputs)
    }

    /// A verifier of this model's proofs, which has seen the key: what is checked once for each key is checked here.
    pub fn verifier(&self, first: &Proven) -> Result<impl Fn(&Proven) -> Result<(), Error> + '_, Error> {
        let key = self.model.verifier_key();
        let verify = move |p: &Proven| self.instance.verify(&key, &self.inputs, &p.outputs, &p.proof);
        verify(first)?;
        Ok(verify)
    }
}
