//! Integers against real numbers, node by node.
//!
//! Two errors of a tensor differ: what has *accumulated* in it (the integer model's value against the float model's), and
//! what it adds *itself* (the float model's exact accumulator, rounded to its unit, through the node's own rescale and
//! saturation). A tensor with a large accumulated and a small own error hands on what came to it.

use super::text::{decibels, layer, percent, ratio_db, table};
use super::to_integers;
use crate::elem::{Elem, Interval};
use crate::exec::node::Machine;
use crate::exec::{check_arguments, RunError};
use crate::float::{check_weights, walk_checked, FloatError, FloatTensor};
use crate::graph::{Graph, NodeId, Op, Params};
use crate::ops::quantize::scale::rescale;
use crate::tensor::IntTensor;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq)]
pub enum AccuracyError {
    #[error("accuracy needs at least one sample")]
    NoSamples,
    #[error(transparent)]
    Float(#[from] FloatError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Parameters(#[from] super::CompletenessError),
}

/// What a row of the table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Input,
    Weight,
    Quantized,
    /// A function by table or by constraints: its own error is not measured apart.
    Function,
}

/// The element that is furthest off. Values in real units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    pub sample: usize,
    /// Row-major.
    pub index: usize,
    pub got: f64,
    pub want: f64,
}

/// One tensor, over all samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorAccuracy {
    pub name: String,
    pub kind: Kind,
    pub elem: Elem,
    /// The real value of one unit.
    pub step: f64,
    /// Signal to accumulated noise; `None` where there is none.
    pub snr_db: Option<f64>,
    /// Signal to the noise that the tensor adds itself; `None` where there is none, or where it is not measured
    /// ([`Kind::Function`]).
    pub own_snr_db: Option<f64>,
    pub worst: Worst,
    /// Share of the elements at an end of their type.
    pub saturated: f64,
}

/// The tensors whose paths begin with the same index, `blocks[3]`; those without one are the model's own, with an empty path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerAccuracy {
    pub path: String,
    pub tensors: usize,
    /// Of the layer's last activation: what it hands on.
    pub snr_db: Option<f64>,
    /// The tensor that adds the most noise itself, and its ratio.
    pub noisiest: Option<(String, f64)>,
    /// Share of the elements of its activations at an end of their type.
    pub saturated: f64,
}

/// One output, over all samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputAccuracy {
    pub name: String,
    /// Root mean square of the difference, relative to that of the float model's values; infinite where these are all zero.
    #[serde(deserialize_with = "finite_or_infinite")]
    pub relative_rms: f64,
    /// Between the integer model's values and the float model's; 1 is best.
    pub cosine: f64,
    pub worst: Worst,
}

/// JSON has no infinity: it is written as null.
fn finite_or_infinite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
}

/// What the integers lose. `{}` prints layers, outputs and the tensors that add most; `{:#}` prints every tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    pub samples: usize,
    pub tensors: Vec<TensorAccuracy>,
    pub layers: Vec<LayerAccuracy>,
    pub outputs: Vec<OutputAccuracy>,
}

/// Runs integers and floats side by side. Weights and samples are in the shapes and the order of the graph, the integer
/// weights and parameters are those of [`super::calibrate`] or of a model file.
///
/// Cost: for each sample one run of each model, and one pass over every weight. Memory: what is live of both.
pub fn accuracy(
    graph: &Graph,
    params: &Params,
    weights: &[IntTensor],
    float_weights: &[FloatTensor],
    samples: &[Vec<FloatTensor>],
) -> Result<Accuracy, AccuracyError> {
    if samples.is_empty() {
        return Err(AccuracyError::NoSamples);
    }
    check_weights(graph, float_weights)?;
    super::completeness::check_counts(graph, params, weights)?;
    let mut sums: Vec<Sums> = vec![Sums::default(); graph.nodes.len()];
    for (i, sample) in samples.iter().enumerate() {
        let _span = tracing::info_span!("accuracy, sample", step = i, of = samples.len()).entered();
        let inputs = to_integers(graph, params, sample)?;
        check_arguments(graph, weights, &inputs)?;
        let mut machine = Machine::new(graph, params, weights, &inputs);
        let mut stopped = None;
        walk_checked(graph, float_weights, sample, |id, want| {
            if stopped.is_none() {
                stopped = compare(&mut machine, id, i, want, &mut sums[id]).err();
            }
        })?;
        if let Some(e) = stopped {
            return Err(e.into());
        }
    }
    let tensors: Vec<(NodeId, TensorAccuracy)> = (0..graph.nodes.len())
        .filter_map(|id| kind(&graph.node(id).op).map(|k| (id, sums[id].tensor(graph, params, id, k))))
        .collect();
    Ok(Accuracy {
        samples: samples.len(),
        layers: layers(&tensors, &sums),
        outputs: graph.outputs.iter().map(|o| sums[o.node].output(&o.name)).collect(),
        tensors: tensors.into_iter().map(|(_, t)| t).collect(),
    })
}

/// The ops whose results are stored; views and sums are exact.
fn kind(op: &Op) -> Option<Kind> {
    match op {
        Op::Input(_) => Some(Kind::Input),
        Op::Weight(_) => Some(Kind::Weight),
        Op::Quantize { .. } => Some(Kind::Quantized),
        op if op.primitive().reads_steps() => Some(Kind::Function),
        _ => None,
    }
}

/// Computes the node's integers and adds up how they differ from `want`.
fn compare(
    machine: &mut Machine,
    id: NodeId,
    sample: usize,
    want: &FloatTensor,
    sums: &mut Sums,
) -> Result<(), RunError> {
    machine.step(id, false)?;
    let (graph, params) = (machine.graph, machine.params);
    let node = graph.node(id);
    // A weight is the same for every sample.
    let again = sample > 0 && matches!(node.op, Op::Weight(_));
    let wanted = kind(&node.op).is_some() || graph.outputs.iter().any(|o| o.node == id);
    let (true, false, Some(got)) = (wanted, again, &machine.values[id]) else { return Ok(()) };
    let step = |id: NodeId| graph.steps.value(&graph.ty(id).step, &params.steps);
    sums.add(sample, &got.ints(), step(id), node.ty.elem, want);
    sums.own = match node.op {
        Op::Quantize { param, .. } => {
            let (r, acc, unit) = (params.rescales[param], step(node.args[0]), step(id));
            let own = |&v: &f32| {
                // Far beyond every accumulator, and small enough for the multiplier.
                let a = (v as f64 / acc).round().clamp(-FAR, FAR) as i64;
                let Interval { lo, hi } = node.ty.interval;
                rescale(a, r).clamp(lo, hi) as f64 * unit - v as f64
            };
            Some(sums.own.unwrap_or(0.0) + want.data.iter().map(|v| own(v).powi(2)).sum::<f64>())
        }
        Op::Input(_) | Op::Weight(_) => Some(sums.noise),
        _ => None,
    };
    Ok(())
}

const FAR: f64 = (1u64 << 40) as f64;

#[derive(Clone, Copy, Default)]
struct Sums {
    signal: f64,
    noise: f64,
    own: Option<f64>,
    got: f64,
    product: f64,
    elements: usize,
    saturated: usize,
    worst: Worst,
}

impl Sums {
    fn add(&mut self, sample: usize, got: &[i32], step: f64, elem: Elem, want: &FloatTensor) {
        let ends = elem.interval();
        // Zero is no end: a U8 or a flag is often that.
        let at_end = |q: i32| q as i64 == ends.hi || (q as i64 == ends.lo && ends.lo < 0);
        for (index, (&q, &v)) in got.iter().zip(&want.data).enumerate() {
            let (got, want) = (q as f64 * step, v as f64);
            self.signal += want * want;
            self.noise += (got - want).powi(2);
            self.got += got * got;
            self.product += got * want;
            if (got - want).abs() > (self.worst.got - self.worst.want).abs() {
                self.worst = Worst { sample, index, got, want };
            }
        }
        self.elements += got.len();
        self.saturated += got.iter().filter(|&&q| at_end(q)).count();
    }

    fn tensor(&self, graph: &Graph, params: &Params, id: NodeId, kind: Kind) -> TensorAccuracy {
        let node = graph.node(id);
        TensorAccuracy {
            name: node.name.clone(),
            kind,
            elem: node.ty.elem,
            step: graph.steps.value(&node.ty.step, &params.steps),
            snr_db: ratio_db(self.signal, self.noise),
            own_snr_db: self.own.and_then(|own| ratio_db(self.signal, own)),
            worst: self.worst,
            saturated: self.saturated as f64 / self.elements.max(1) as f64,
        }
    }

    fn output(&self, name: &str) -> OutputAccuracy {
        let lengths = (self.signal * self.got).sqrt();
        OutputAccuracy {
            name: name.to_owned(),
            // All zeros on both sides are equal.
            relative_rms: match self.noise {
                0.0 => 0.0,
                noise => (noise / self.signal).sqrt(),
            },
            cosine: if lengths > 0.0 { self.product / lengths } else { (self.noise == 0.0) as u8 as f64 },
            worst: self.worst,
        }
    }
}

/// In the order of their first tensors.
fn layers(tensors: &[(NodeId, TensorAccuracy)], sums: &[Sums]) -> Vec<LayerAccuracy> {
    let mut paths: Vec<&str> = vec![];
    for (_, t) in tensors {
        if !paths.contains(&layer(&t.name)) {
            paths.push(layer(&t.name));
        }
    }
    let of = |path: &str| {
        let own: Vec<_> = tensors.iter().filter(|(_, t)| layer(&t.name) == path).collect();
        let activations = || own.iter().filter(|(_, t)| t.kind != Kind::Weight);
        let noise = |(_, t): &&(NodeId, TensorAccuracy)| t.own_snr_db.map(|db| (t.name.clone(), db));
        let count = |f: fn(&Sums) -> usize| activations().map(|(id, _)| f(&sums[*id])).sum::<usize>() as f64;
        LayerAccuracy {
            path: path.to_owned(),
            tensors: own.len(),
            snr_db: activations().next_back().and_then(|(_, t)| t.snr_db),
            noisiest: own.iter().copied().filter_map(|t| noise(&t)).min_by(|a, b| a.1.total_cmp(&b.1)),
            saturated: count(|s| s.saturated) / count(|s| s.elements).max(1.0),
        }
    };
    paths.into_iter().map(of).collect()
}

/// Tensors that `{}` prints.
const SHOWN: usize = 12;

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = |cells: &[&str]| cells.iter().map(|c| c.to_string()).collect::<Vec<_>>();
        let mut rows = vec![head(&["layer", "dB", "saturated", "most noise added by", "dB"])];
        for l in &self.layers {
            let (name, db) = l.noisiest.clone().map_or_else(Default::default, |(n, db)| (n, Some(db)));
            let path = if l.path.is_empty() { "(model)" } else { &l.path };
            rows.push(vec![path.into(), decibels(l.snr_db), percent(l.saturated), name, decibels(db)]);
        }
        table(f, &rows)?;

        let mut shown: Vec<&TensorAccuracy> = self.tensors.iter().collect();
        if !f.alternate() {
            shown.retain(|t| t.own_snr_db.is_some());
            shown.sort_by(|a, b| a.own_snr_db.unwrap_or(0.0).total_cmp(&b.own_snr_db.unwrap_or(0.0)));
            shown.truncate(SHOWN);
        }
        let columns = ["tensor", "kind", "elem", "unit", "dB", "own dB", "saturated", "worst", "got", "want"];
        rows = vec![head(&columns)];
        for t in shown {
            let own = match t.kind {
                Kind::Function => "-".into(),
                _ => decibels(t.own_snr_db),
            };
            let mut row = vec![t.name.clone(), format!("{:?}", t.kind).to_lowercase(), t.elem.to_string()];
            row.extend([format!("{:.3e}", t.step), decibels(t.snr_db), own, percent(t.saturated)]);
            row.extend(t.worst.cells());
            rows.push(row);
        }
        writeln!(f)?;
        table(f, &rows)?;

        rows = vec![head(&["output", "relative rms", "cosine", "worst", "got", "want"])];
        for o in &self.outputs {
            let mut row = vec![o.name.clone(), format!("{:.5}", o.relative_rms), format!("{:.6}", o.cosine)];
            row.extend(o.worst.cells());
            rows.push(row);
        }
        writeln!(f)?;
        table(f, &rows)
    }
}

impl Worst {
    /// Sample and index, got, want.
    fn cells(&self) -> [String; 3] {
        [
            format!("{}[{}]", self.sample, self.index),
            format!("{:.4e}", self.got),
            format!("{:.4e}", self.want),
        ]
    }
}
