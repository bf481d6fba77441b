//! What MODEL is: an ONNX file, a graph as JSON, a folder.

use crate::args::{Bits, On, Source, Where};
use crate::failure::{Code, Failure, Outcome};
use crate::files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zkml_dsl::engine::{Accuracy, Backend, FloatTensor, FloatWeights, SecurityLevel};
use zkml_dsl::{DynamicInstance, DynamicModel};
use zkml_ir::graph::Graph;
use zkml_ir::tensor::IntTensor;
use zkml_onnx::samples::{self, Arrays};
use zkml_onnx::{Import, Options, Widths};

/// Real weights and samples.
pub type Floats = (FloatWeights, Vec<Vec<FloatTensor>>);

/// A model before it is set up.
pub enum Model {
    Onnx {
        import: Box<Import>,
        samples: Vec<Arrays>,
    },
    /// Without weights.
    Graph(Box<Graph>),
    /// Calibrated.
    Folder {
        path: PathBuf,
        graph: Box<Graph>,
    },
}

impl Model {
    pub fn open(path: &Path, source: &Source) -> Outcome<Self> {
        if path.is_dir() {
            let graph = graph(&path.join(files::GRAPH))?;
            return Ok(Self::Folder { path: path.to_owned(), graph: Box::new(graph) });
        }
        match path.extension().and_then(|e| e.to_str()) {
            Some("onnx") => {
                let (import, samples) = onnx(path, source)?;
                Ok(Self::Onnx { import: Box::new(import), samples })
            }
            Some("json") => Ok(Self::Graph(Box::new(graph(path)?))),
            _ => Err(Failure::file(
                path,
                "expected an ONNX file (.onnx), a graph (.json) or a folder that `zkml setup` wrote",
            )),
        }
    }

    pub fn instance(&self) -> Outcome<DynamicInstance> {
        Ok(match self {
            Self::Onnx { import, .. } => import.instance()?,
            Self::Graph(graph) | Self::Folder { graph, .. } => DynamicInstance::new((**graph).clone()),
        })
    }

    /// Calibrated and committed to, and what it was calibrated from, if that was now.
    pub fn set_up(
        &self,
        weights: Option<&Path>,
        samples: Option<&Path>,
        place: &Where,
    ) -> Outcome<(DynamicModel, Option<Floats>)> {
        let instance = at(self.instance()?, place)?;
        match self {
            Self::Folder { path, .. } => Ok((instance.load(path.join(files::WEIGHTS))?, None)),
            _ => {
                let (weights, samples) = self.floats(instance.graph(), weights, samples)?;
                Ok((instance.calibrate(&weights, &samples)?, Some((weights, samples))))
            }
        }
    }

    /// What the integers lose on the samples; of a folder, what was written there when it was calibrated.
    pub fn accuracy(&self, ready: &DynamicModel, floats: Option<Floats>) -> Outcome<Option<Accuracy>> {
        if let Some((weights, samples)) = floats {
            return Ok(Some(ready.as_ref().accuracy(&weights, &samples)?));
        }
        let Self::Folder { path, .. } = self else { return Ok(None) };
        let path = path.join(files::ACCURACY);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let read = serde_json::from_slice(&bytes);
                read.map(Some).map_err(|e| Failure::file(&path, format_args!("no accuracy: {e}")))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Failure::file(&path, e)),
        }
    }

    /// Float weights and samples, of a model that is not calibrated.
    pub fn floats(&self, graph: &Graph, weights: Option<&Path>, samples: Option<&Path>) -> Outcome<Floats> {
        match self {
            Self::Onnx { import, samples } => {
                if samples.is_empty() {
                    return Err(Failure::usage(
                        "scales are chosen from samples: give some with `--samples inputs.npz`",
                    ));
                }
                let samples = samples.iter().map(|s| import.sample(s)).collect::<Result<_, _>>()?;
                Ok((import.weights(), samples))
            }
            _ => {
                let (Some(weights), Some(samples)) = (weights, samples) else {
                    return Err(Failure::usage(
                        "a graph needs `--weights model.safetensors` and `--samples inputs.npz`",
                    ));
                };
                let weights = FloatWeights::open(weights).map_err(|e| Failure::file(weights, e))?;
                Ok((weights, self::inputs(graph, samples)?))
            }
        }
    }

    /// The first input of a file, or the first sample.
    pub fn input(&self, model: &DynamicModel, given: Option<&Path>) -> Outcome<Vec<IntTensor>> {
        let graph = model.graph();
        let real = match (self, given) {
            (Self::Onnx { import, .. }, Some(path)) => {
                let arrays = samples::read(path)?;
                let first = samples::split(path, &arrays, &shapes(import))?.into_iter().next();
                import.sample(&first.unwrap_or_default())?
            }
            (Self::Onnx { import, samples }, None) => match samples.first() {
                Some(first) => import.sample(first)?,
                None => return Err(Failure::usage("no input: give one with `--input inputs.npz`")),
            },
            (_, Some(path)) => inputs(graph, path)?.swap_remove(0),
            (_, None) => return Err(Failure::usage("no input: give one with `--input inputs.npz`")),
        };
        let units = graph.inputs.iter().zip(&real).map(|(port, x)| model.to_units(&port.name, &x.data));
        Ok(units.collect::<Result<_, _>>()?)
    }
}

/// An ONNX file with what its samples say.
pub fn onnx(path: &Path, source: &Source) -> Outcome<(Import, Vec<Arrays>)> {
    let arrays = source.samples.as_deref().map(samples::read).transpose()?;
    let options = Options {
        constants: source.constants.iter().cloned().collect(),
        dims: source.dims.iter().cloned().collect(),
        ..Options::default()
    };
    let widths = match source.bits {
        Bits::Eight => Widths::narrow(),
        Bits::Twelve => Widths::default(),
    };
    let Some(arrays) = arrays else { return Ok((zkml_onnx::import(path, &options, widths)?, vec![])) };
    // One sample, or several along a first axis: what fits the file's own shapes.
    let one = options.clone().with_samples(&arrays, false);
    let mut import = match zkml_onnx::import(path, &one, widths) {
        Ok(import) => import,
        Err(first) => {
            let several = arrays.values().all(|a| !a.dims.is_empty());
            let retried =
                several.then(|| zkml_onnx::import(path, &options.with_samples(&arrays, true), widths));
            match retried {
                Some(Ok(import)) => import,
                // What stands in the way of the one that fits is the better message.
                Some(Err(e @ zkml_onnx::ImportError::Unsupported(_))) => return Err(e.into()),
                _ => return Err(first.into()),
            }
        }
    };
    let file = source.samples.as_deref().unwrap_or(path);
    let samples = samples::split(file, &arrays, &shapes(&import))?;
    let floats = samples.iter().map(|s| import.sample(s)).collect::<Result<Vec<_>, _>>()?;
    import.tune(&floats)?;
    Ok((import, samples))
}

/// The shape of one sample of each input, as the file has it.
fn shapes(import: &Import) -> BTreeMap<String, Vec<usize>> {
    let value = |&v: &usize| &import.net.values[v];
    import.net.inputs.iter().map(value).map(|v| (v.name.clone(), v.dims.clone())).collect()
}

/// All inputs of an npz file, by the names of the graph's inputs.
fn inputs(graph: &Graph, path: &Path) -> Outcome<Vec<Vec<FloatTensor>>> {
    let arrays = samples::read(path)?;
    let shape = |port: &zkml_ir::graph::Port| graph.ty(port.node).shape.clone();
    let shapes: BTreeMap<String, Vec<usize>> =
        graph.inputs.iter().map(|p| (p.name.clone(), shape(p).dims().to_vec())).collect();
    let all = samples::split(path, &arrays, &shapes)?;
    let sample = |arrays: &Arrays| {
        let port = |p: &zkml_ir::graph::Port| match arrays.get(&p.name) {
            Some(a) => Ok(FloatTensor::new(shape(p), a.values.clone())),
            None => {
                let there: Vec<&str> = arrays.keys().map(String::as_str).collect();
                Err(Failure::file(path, format_args!("there is no input `{}`, only {there:?}", p.name)))
            }
        };
        graph.inputs.iter().map(port).collect::<Outcome<Vec<_>>>()
    };
    match all.is_empty() {
        true => Err(Failure::file(path, "it has none of the model's inputs")),
        false => all.iter().map(sample).collect(),
    }
}

pub fn graph(path: &Path) -> Outcome<Graph> {
    let bytes = std::fs::read(path).map_err(|e| Failure::file(path, e))?;
    let graph: Graph =
        serde_json::from_slice(&bytes).map_err(|e| Failure::file(path, format_args!("no graph: {e}")))?;
    graph.check().map_err(|e| Failure::file(path, format_args!("no graph: {e}")))?;
    Ok(graph)
}

pub fn level(name: &str) -> Outcome<SecurityLevel> {
    let names: Vec<&str> = SecurityLevel::ALL.iter().map(|l| l.name()).collect();
    let level = SecurityLevel::ALL.into_iter().find(|l| l.name() == name);
    level.ok_or_else(|| {
        Failure::usage(format_args!("security level `{name}`: there are {}", names.join(", ")))
    })
}

/// The instance at the level and on the backend that were asked for.
pub fn at(instance: DynamicInstance, place: &Where) -> Outcome<DynamicInstance> {
    let instance = match &place.security {
        None => instance,
        Some(name) => instance.at_level(level(name)?),
    };
    let backend = match place.backend {
        On::Cpu => Backend::Cpu,
        On::Cuda => Backend::cuda(0).map_err(|e| Failure::new(Code::Resources, e))?,
        On::Auto => Backend::auto(),
    };
    Ok(instance.on(backend))
}
