//! Which activations need how many bits. It only says so; the source decides.
//!
//! What a tensor's rounding costs is measured where it counts: the float model runs with nothing rounded but the tensors of
//! one name, in all iterations of a loop at once (their type is written once in the source), at 8, 12 and 16 bits in turn,
//! and its outputs are compared with the exact ones.
//!
//! # The budget
//!
//! Errors of different roundings are nearly independent, so their powers add up: the budget is the sum, over all names, of
//! what each costs at its present width. A width is enough if it costs a quarter of the budget or less. So one that is
//! recommended instead of a wider one adds at most 1 dB (10 log10(5/4)) to the noise of the outputs, and a name that costs
//! more than a quarter of all noise is told to widen. Weights are not part of it.

use super::clip;
use super::initial::reader;
use super::stats::{self, Stats};
use super::text::{decibels, pattern, ratio_db, table};
use super::{integers, CalibrateError};
use crate::elem::Elem;
use crate::float::{walk_edited, FloatTensor};
use crate::graph::{Graph, NodeId, Op};
use serde::Serialize;
use std::fmt;

/// Share of the budget that a width may cost.
const SHARE: f64 = 0.25;
/// Tried in this order.
const WIDTHS: [Elem; 3] = [Elem::I8, Elem::I12, Elem::I16];

/// What rounding to one width costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rounded {
    pub elem: Elem,
    /// Signal to rounding noise in the tensor itself, the lowest of all instances; `None` where nothing is lost.
    pub own_snr_db: Option<f64>,
    /// Noise power over signal power of the output that suffers most.
    pub output_noise: f64,
}

/// The quantised tensors of one name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Width {
    /// `blocks[*].attention.scores`
    pub pattern: String,
    pub instances: usize,
    /// As the source has it.
    pub present: Elem,
    /// At 8, 12 and 16 bits.
    pub at: [Rounded; 3],
    /// The narrowest that is within its share of the budget, or 16 bits.
    pub enough: Elem,
}

/// [`recommend_widths`]; `{}` prints a table and hints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Widths {
    /// Noise power over signal power.
    pub budget: f64,
    pub tensors: Vec<Width>,
}

/// The width that each quantised activation needs: I8, I12 or I16 (unsigned ones are left alone). Every rounding is at the
/// step that calibration would choose for the tensor alone, with the tensor's own extremes; one that shares its step with
/// others, as the branches of a residual stream do, may need more.
///
/// `budget`: noise power over signal power that all roundings together may leave in an output; `None` takes what the present
/// widths leave.
///
/// Cost: three runs of the float model for each name and sample, and two more; so few samples. Memory as for [`super::calibrate`].
pub fn recommend_widths(
    graph: &Graph,
    weights: &[FloatTensor],
    samples: &[Vec<FloatTensor>],
    budget: Option<f64>,
) -> Result<Widths, CalibrateError> {
    if samples.is_empty() {
        return Err(CalibrateError::NoSamples);
    }
    // Checks weights and samples.
    let stats = stats::collect(graph, weights, samples)?;
    let exact =
        samples.iter().map(|s| outputs(graph, weights, s, |_| None)).collect::<Result<Vec<_>, _>>()?;
    let mut tensors: Vec<Width> = vec![];
    let mut present_noise = vec![];
    for (pattern, ids) in names(graph) {
        let present = graph.ty(ids[0]).elem;
        let round = |elem: Elem| -> Result<Rounded, CalibrateError> {
            let steps: Vec<f64> = ids.iter().map(|&id| best_step(graph, &stats, id, elem)).collect();
            let step = |id: NodeId| ids.iter().position(|&i| i == id).map(|i| (steps[i], elem));
            let mut worst = 0f64;
            let mut sums = vec![[0f64; 2]; graph.outputs.len()];
            for (sample, exact) in samples.iter().zip(&exact) {
                let rounded = outputs(graph, weights, sample, step)?;
                for (sum, (got, want)) in sums.iter_mut().zip(rounded.iter().zip(exact)) {
                    sum[0] += power(got.iter().zip(want).map(|(&g, &w)| g - w));
                    sum[1] += power(want.iter().copied());
                }
            }
            for [noise, signal] in sums {
                worst = worst.max(if noise > 0.0 { noise / signal } else { 0.0 });
            }
            let own = ids.iter().zip(&steps).filter_map(|(&id, &step)| own_db(&stats[id], step, elem));
            Ok(Rounded { elem, own_snr_db: own.reduce(f64::min), output_noise: worst })
        };
        let at = [round(WIDTHS[0])?, round(WIDTHS[1])?, round(WIDTHS[2])?];
        present_noise.push(at.iter().find(|r| r.elem == present).map_or(0.0, |r| r.output_noise));
        tensors.push(Width { pattern, instances: ids.len(), present, at, enough: Elem::I16 });
    }
    let budget = budget.unwrap_or_else(|| present_noise.iter().sum());
    for t in &mut tensors {
        let within = t.at.iter().find(|r| r.output_noise <= SHARE * budget);
        t.enough = within.map_or(Elem::I16, |r| r.elem);
    }
    Ok(Widths { budget, tensors })
}

/// Quantised activations of signed types by name, in node order; instances of one name and different types apart.
fn names(graph: &Graph) -> Vec<(String, Vec<NodeId>)> {
    let mut names: Vec<(String, Vec<NodeId>)> = vec![];
    for (id, node) in graph.nodes.iter().enumerate() {
        if !matches!(node.op, Op::Quantize { .. }) || !WIDTHS.contains(&node.ty.elem) {
            continue;
        }
        let name = pattern(&node.name);
        match names.iter_mut().find(|(n, ids)| *n == name && graph.ty(ids[0]).elem == node.ty.elem) {
            Some((_, ids)) => ids.push(id),
            None => names.push((name, vec![id])),
        }
    }
    names
}

/// 1 for a tensor of zeros, which every step holds.
fn best_step(graph: &Graph, stats: &[Stats], id: NodeId, elem: Elem) -> f64 {
    let tensor =
        clip::Tensor { stats: &stats[id], elem, coef: 1.0, reader: reader(graph, id), is_weight: false };
    clip::step(&[tensor]).unwrap_or(1.0)
}

/// The model's outputs with the nodes rounded that `step` gives a step and a type.
fn outputs(
    graph: &Graph,
    weights: &[FloatTensor],
    sample: &[FloatTensor],
    step: impl Fn(NodeId) -> Option<(f64, Elem)>,
) -> Result<Vec<Vec<f32>>, CalibrateError> {
    let mut outputs = vec![vec![]; graph.outputs.len()];
    walk_edited(graph, weights, sample, |id, value| {
        if let Some((step, elem)) = step(id) {
            value.to_mut().data.iter_mut().for_each(|v| *v = rounded(*v, step, elem));
        }
        for (port, out) in graph.outputs.iter().zip(&mut outputs) {
            if port.node == id {
                *out = value.data.clone();
            }
        }
    })?;
    Ok(outputs)
}

fn rounded(v: f32, step: f64, elem: Elem) -> f32 {
    let range = elem.interval();
    (integers::nearest(v as f64 / step, range.lo as f64, range.hi as f64) as f64 * step) as f32
}

fn power(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|v| (v as f64).powi(2)).sum()
}

/// Of the values that were kept, before whatever reads them.
fn own_db(stats: &Stats, step: f64, elem: Elem) -> Option<f64> {
    let noise = power(stats.values.iter().map(|&v| rounded(v, step, elem) - v));
    ratio_db(power(stats.values.iter().copied()), noise)
}

impl Width {
    /// What to change in the source, if anything.
    pub fn hint(&self) -> Option<String> {
        let place = |e: Elem| WIDTHS.iter().position(|w| *w == e);
        match place(self.enough).cmp(&place(self.present)) {
            std::cmp::Ordering::Less => {
                Some(format!("`{}`: {} is enough, now {}", self.pattern, self.enough, self.present))
            }
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => {
                Some(format!("`{}`: use `quantize::<{}>`, now {}", self.pattern, self.enough, self.present))
            }
        }
    }
}

impl fmt::Display for Widths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["quantised tensor", "now", "I8 dB", "I12 dB", "I16 dB", "of budget", "enough"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for t in &self.tensors {
            let mut row = vec![t.pattern.clone(), t.present.to_string()];
            row.extend(t.at.iter().map(|r| decibels(ratio_db(1.0, r.output_noise))));
            let present = t.at.iter().find(|r| r.elem == t.present).map_or(0.0, |r| r.output_noise);
            row.push(match self.budget > 0.0 {
                true => format!("{:.1}%", 100.0 * present / self.budget),
                false => "-".into(),
            });
            row.push(t.enough.to_string());
            rows.push(row);
        }
        table(f, &rows)?;
        writeln!(f, "\nnoise budget at the outputs: {} dB", decibels(ratio_db(1.0, self.budget)))?;
        self.tensors.iter().filter_map(Width::hint).try_for_each(|h| writeln!(f, "{h}"))
    }
}
