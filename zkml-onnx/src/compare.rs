//! An imported model beside the outputs that another runtime gave for the same inputs: onnxruntime, PyTorch.

use crate::error::ImportError;
use crate::import::Import;
use crate::samples::Arrays;
use serde::Serialize;
use zkml_dsl::engine::FloatTensor;
use zkml_dsl::weights::resolve;
use zkml_dsl::DynamicModel;
use zkml_ir::float;

/// How far values are from reference values, over all samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distance {
    /// Root mean square of the difference, relative to that of the reference.
    pub relative_rms: f64,
    pub cosine: f64,
    pub largest: f64,
    /// Samples whose largest entry is the reference's.
    pub same_largest: usize,
    pub samples: usize,
}

/// One output: the import as real numbers, which says whether the graph was understood, and as the integers that are proven.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    pub name: String,
    pub float: Distance,
    pub integer: Option<Distance>,
}

/// Compares the import, and the model that was calibrated from it, with reference outputs by the file's names of outputs.
pub fn compare(
    import: &Import,
    model: Option<&DynamicModel>,
    samples: &[Arrays],
    expected: &[Arrays],
) -> Result<Vec<Compared>, ImportError> {
    let instance = import.instance()?;
    let graph = instance.graph();
    let weights = resolve(graph, &import.weights())
        .map_err(zkml_dsl::engine::Error::from)
        .map_err(zkml_dsl::Error::from)?;
    let mut outputs: Vec<[Sums; 2]> = vec![Default::default(); graph.outputs.len()];
    let names: Vec<String> = import.net.outputs.iter().map(|&v| import.net.values[v].name.clone()).collect();
    for (step, (sample, expected)) in samples.iter().zip(expected).enumerate() {
        let _span = tracing::info_span!("comparison, sample", step, of = samples.len()).entered();
        let inputs = import.sample(sample)?;
        let float = float::eval(graph, &weights, &inputs).map_err(|e| {
            zkml_dsl::Error::from(zkml_dsl::engine::Error::from(zkml_ir::calibrate::CalibrateError::from(e)))
        })?;
        let integer = model.map(|model| integers(model, &inputs)).transpose()?;
        for (k, name) in names.iter().enumerate() {
            let Some(want) = expected.get(name) else { continue };
            outputs[k][0].add(&float[k].data, &want.values);
            if let Some(integer) = &integer {
                outputs[k][1].add(&integer[k].data, &want.values);
            }
        }
    }
    let compared = |(name, [float, integer]): (String, [Sums; 2])| Compared {
        name,
        float: float.distance(),
        integer: model.map(|_| integer.distance()),
    };
    Ok(names.into_iter().zip(outputs).map(compared).collect())
}

/// What the integers give, as real numbers.
fn integers(model: &DynamicModel, inputs: &[FloatTensor]) -> Result<Vec<FloatTensor>, ImportError> {
    let graph = model.graph();
    let port = |(port, x): (&zkml_ir::graph::Port, &FloatTensor)| model.to_units(&port.name, &x.data);
    let inputs = graph.inputs.iter().zip(inputs).map(port).collect::<Result<Vec<_>, _>>()?;
    let outputs = model.run(&inputs)?;
    let real = |(port, x): (&zkml_ir::graph::Port, &_)| model.to_real(&port.name, x);
    Ok(graph.outputs.iter().zip(&outputs).map(real).collect::<Result<_, _>>()?)
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    difference: f64,
    got: f64,
    want: f64,
    product: f64,
    largest: f64,
    same: usize,
    samples: usize,
}

impl Sums {
    fn add(&mut self, got: &[f32], want: &[f32]) {
        for (&g, &w) in got.iter().zip(want) {
            let (g, w) = (f64::from(g), f64::from(w));
            self.difference += (g - w) * (g - w);
            self.got += g * g;
            self.want += w * w;
            self.product += g * w;
            self.largest = self.largest.max((g - w).abs());
        }
        let best = |v: &[f32]| (0..v.len()).reduce(|b, i| if v[i] > v[b] { i } else { b });
        self.same += usize::from(best(got) == best(want));
        self.samples += 1;
    }

    fn distance(&self) -> Distance {
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { a };
        Distance {
            relative_rms: ratio(self.difference, self.want).sqrt(),
            cosine: ratio(self.product, (self.got * self.want).sqrt()),
            largest: self.largest,
            same_largest: self.same,
            samples: self.samples,
        }
    }
}
