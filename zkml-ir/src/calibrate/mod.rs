//! From a float model to an integer one: steps, rescales and integer weights.
//!
//! 1. [`stats`]: the float model on samples, the range of every tensor that has a free step.
//! 2. [`clip`], [`initial`]: a value for each free step. 8-bit weights, inputs and quantised tensors get the step
//!    that minimises their squared error; wider ones cover what was seen, with headroom.
//! 3. [`rescales`]: in node order, the (m, s) nearest to the ratio of steps, no larger than the window allows for *any*
//!    input ([`bounds`]). A coarse m then costs no accuracy: a free step becomes exactly `step(acc) * 2^s / m`. Where the
//!    result's step is tied (a residual branch), the weight behind the accumulator takes up the difference.
//! 4. [`integers`]: the weights in their final steps.
//!
//! What no sample reached is clamped, never a proof that fails: every rescale is held against what its accumulator can be for
//! *any* input. A tensor whose step the rest of the model cannot follow gets a coarser one ([`rescales`]).
//!
//! [`accuracy`] says what the integers lose, node by node; [`recommend_widths`] which activations need how many bits.
//!
//! No randomness and no thread-dependent sums: equal inputs give equal parameters, whatever the number of threads.
//!
//! # Cost
//!
//! One run of the float model for each sample, one rounding of every weight, two passes over the integers (three behind a
//! normalisation), and for each 8-bit tensor sixty tries on at most 2^16 of its values. Another pass of [`rescales`] costs
//! only what changed ([`cache`]). Memory beside the caller's floats: the integer weights, what is live of one float run, and
//! 2^18 bytes for each input, weight and quantised tensor.

mod accuracy;
pub(crate) mod bounds;
mod cache;
mod clip;
mod completeness;
mod initial;
mod integers;
mod rescales;
mod sharing;
mod stats;
mod sums;
mod text;
mod weight_view;
mod widths;

pub use accuracy::{
    accuracy, Accuracy, AccuracyError, Kind, LayerAccuracy, OutputAccuracy, TensorAccuracy, Worst,
};
pub use completeness::{completeness, CompletenessError};
pub use widths::{recommend_widths, Rounded, Width, Widths};

use crate::elem::Interval;
use crate::float::{FloatError, FloatTensor};
use crate::graph::{Graph, Params, Step};
use crate::ops::quantize::scale::{least_window, Admissible};
use crate::tensor::IntTensor;
use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq)]
pub enum CalibrateError {
    #[error("calibration needs at least one sample")]
    NoSamples,
    #[error(transparent)]
    Float(#[from] FloatError),
    #[error(
        "`{name}` holds {value}, which is {units:.0} units of its step {step:e}, forced by `+`: outside {range}"
    )]
    WeightRange { name: String, value: f32, units: f64, step: f64, range: Interval },
    #[error(
        "`{name}` needs out/acc = {target:e}; admissible for its types and window: {least:e} to {most:e}"
    )]
    NoScale { name: String, target: f64, least: f64, most: f64 },
    #[error(
        "the scales of `{name}` and what it is added to have no common solution: for some inputs it outgrows any scale; \
         normalise or quantize the branch's argument, or widen the `window`"
    )]
    NoConvergence { name: String },
    #[error(transparent)]
    Completeness(#[from] CompletenessError),
}

/// Integer weights and parameters of a float model. Weights and samples are in the shapes and the order of the graph.
///
/// A few samples of the size that the model will see are enough for tensors of 12 and 16 bits; the steps of 8-bit tensors
/// minimise their error on the samples, so with only a few hundred values of one they clip more of what comes later.
/// Time and memory: see the module.
pub fn calibrate(
    graph: &Graph,
    weights: &[FloatTensor],
    samples: &[Vec<FloatTensor>],
) -> Result<(Vec<IntTensor>, Params), CalibrateError> {
    if samples.is_empty() {
        return Err(CalibrateError::NoSamples);
    }
    let _span = tracing::info_span!("calibrate").entered();
    let stats = stats::collect(graph, weights, samples)?;
    let start = tracing::info_span!("steps").in_scope(|| initial::steps(graph, &stats));
    let rescales = tracing::info_span!("rescales and integers");
    let (mut params, integers) = rescales.in_scope(|| rescales::solve(graph, weights, &stats, &start))?;
    // For people who read the file: the solved steps too.
    for (&id, step) in &graph.steps.solved {
        params.steps[id] = graph.steps.value(step, &params.steps);
    }
    completeness(graph, &params, &integers)?;
    Ok((integers, params))
}

/// Real inputs in the model's steps, rounded, and saturated to their element types: what to run a calibrated model on. One
/// tensor for each input, in the graph's order and shapes.
pub fn to_integers(
    graph: &Graph,
    params: &Params,
    inputs: &[FloatTensor],
) -> Result<Vec<IntTensor>, FloatError> {
    crate::float::check_inputs(graph, inputs)?;
    let port = |(port, t): (&crate::graph::Port, &FloatTensor)| {
        let ty = graph.ty(port.node);
        integers::round(t, graph.steps.value(&ty.step, &params.steps), ty.interval)
    };
    Ok(graph.inputs.iter().zip(inputs).map(port).collect())
}

/// The node's step in unsolved steps.
fn resolved(graph: &Graph, node: usize) -> Step {
    graph.steps.resolve(&graph.ty(node).step)
}

/// What a quantisation node admits.
fn admissible(graph: &Graph, node: usize) -> Option<Admissible> {
    match graph.node(node).op {
        crate::graph::Op::Quantize { to, window, .. } => {
            debug_assert!(window >= least_window(to));
            Some(Admissible::new(graph.ty(graph.node(node).args[0]).interval, to, window))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
