//! What the examples on handwritten digits do around their network.

use crate::options::Options;
use crate::session::{Failure, Session, Subject};
use clap::Args;
use zkml_dsl::engine::{verify_at, Model};
use zkml_dsl::units::{to_real, to_units};
use zkml_dsl::weights::{FloatTensor, FloatWeights};
use zkml_ir::graph::Graph;
use zkml_models::metrics::max_abs_error;
use zkml_models::vision::digits::{argmax, data_path, draw, Digits, PIXELS};

/// Options of the classifiers.
#[derive(Args, Clone, Debug, Default)]
pub struct DigitsOptions {
    /// Which image of the test split
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub image: usize,
    /// Compare the accuracy of the integers with that of the float model, over the whole test split
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub common: Options,
}

/// A network with one input, an image, and one output, the logits.
pub struct Classifier {
    pub name: &'static str,
    pub graph: Graph,
    /// The weights' file that lies with the models.
    pub file: &'static str,
    /// An image as calibration reads it.
    pub sample: fn(&[u8; PIXELS]) -> Vec<FloatTensor>,
    /// The float reference.
    pub float: fn(&FloatWeights, &[f32]) -> Result<Vec<f32>, Failure>,
}

/// Images that the scales are chosen from; none of them is the proven one.
const SAMPLES: usize = 64;

impl Classifier {
    pub fn run(&self, options: &DigitsOptions) -> Result<(), Failure> {
        let common = &options.common;
        let session = Session::start(common)?;
        let digits = Digits::test_split()?;
        let (Some(pixels), Some(label)) =
            (digits.images.get(options.image), digits.labels.get(options.image))
        else {
            return Err(format!("image {} of {}", options.image, digits.images.len()).into());
        };
        let weights = FloatWeights::open(common.weights.clone().unwrap_or_else(|| data_path(self.file)))?;
        let others = digits.images.iter().enumerate().filter(|(i, _)| *i != options.image).map(|(_, p)| p);
        let samples: Vec<Vec<FloatTensor>> = others.take(SAMPLES).map(self.sample).collect();

        let (level, settings) = (session.level(), session.settings());
        let (model, (inputs, outputs, proof, key), times) = session.measure(
            || Model::calibrate_with(self.graph.clone(), &weights, &samples, settings).map_err(Failure::from),
            |model| {
                let inputs = vec![self.input(model, pixels)?];
                let (outputs, proof) = model.prove(&inputs)?;
                Ok((inputs, outputs, proof, model.verifier_key()))
            },
            |(inputs, outputs, proof, key)| {
                let inputs: Vec<_> = inputs.iter().cloned().map(Some).collect();
                Ok(verify_at(level.into(), &self.graph, key, &inputs, outputs, proof)?)
            },
        )?;
        drop(key);
        assert_eq!(model.run(&inputs)?, outputs);

        print!("{}", draw(pixels));
        let got = to_real(&self.graph, model.params(), 0, &outputs[0])?.data;
        println!("label {label}, proven prediction {}\n", argmax(&got).unwrap_or_default());
        let max_abs_err = max_abs_error(&got, &self.reference(&weights, pixels)?);
        let subject =
            Subject { name: self.name, seq: 1, layers: 1, model: &model, proof: &proof, max_abs_err };
        session.finish(&subject, &times)?;
        session.accuracy(&model, &weights, &samples)?;
        if options.all {
            let (integers, floats) = self.accuracy(&model, &weights, &digits)?;
            let percent = |n: usize| 100.0 * n as f64 / digits.images.len() as f64;
            println!("accuracy over {} images:", digits.images.len());
            let (i, f) = (percent(integers), percent(floats));
            println!("  integers {i:.2} % ({integers}), float {f:.2} % ({floats})");
        }
        Ok(())
    }

    fn input(&self, model: &Model, pixels: &[u8; PIXELS]) -> Result<zkml_ir::tensor::IntTensor, Failure> {
        Ok(to_units(&self.graph, model.params(), 0, &(self.sample)(pixels)[0].data)?)
    }

    fn reference(&self, weights: &FloatWeights, pixels: &[u8; PIXELS]) -> Result<Vec<f32>, Failure> {
        (self.float)(weights, &(self.sample)(pixels)[0].data)
    }

    /// How many images the integers and the float model classify as they are labelled.
    pub fn accuracy(
        &self,
        model: &Model,
        weights: &FloatWeights,
        digits: &Digits,
    ) -> Result<(usize, usize), Failure> {
        let (mut integers, mut floats) = (0, 0);
        for (pixels, &label) in digits.images.iter().zip(&digits.labels) {
            let logits = model.run(&[self.input(model, pixels)?])?;
            integers += usize::from(argmax(&logits[0].to_vec()) == Some(label.into()));
            floats += usize::from(argmax(&self.reference(weights, pixels)?) == Some(label.into()));
        }
        Ok((integers, floats))
    }
}

/// The perceptron with one hidden layer.
pub fn mlp() -> Result<Classifier, Failure> {
    use zkml_models::vision::digits::FloatMlp;
    use zkml_models::vision::mlp_digits::{mlp_digits, sample};
    let graph = mlp_digits::with(mlp_digits::Dims::default())?.graph().clone();
    let float = |w: &FloatWeights, x: &[f32]| Ok(FloatMlp::new(w)?.logits_of(x).to_vec());
    Ok(Classifier { name: "mlp_digits", graph, file: "digits.safetensors", sample, float })
}

/// The small convolutional network.
pub fn cnn() -> Result<Classifier, Failure> {
    use zkml_models::vision::digits_cnn::{digits_cnn, sample};
    let graph = digits_cnn::with(digits_cnn::Dims::default())?.graph().clone();
    let float = |w: &FloatWeights, x: &[f32]| Ok(zkml_models::reference::digits_cnn(w, x)?);
    Ok(Classifier { name: "digits_cnn", graph, file: "digits_cnn.safetensors", sample, float })
}

/// LeNet-5.
pub fn lenet5() -> Result<Classifier, Failure> {
    use zkml_models::vision::lenet5::{lenet5, sample};
    let graph = lenet5::with(lenet5::Dims::default())?.graph().clone();
    let float = |w: &FloatWeights, x: &[f32]| Ok(zkml_models::reference::lenet5(w, x)?);
    Ok(Classifier { name: "lenet5", graph, file: "lenet5.safetensors", sample, float })
}
