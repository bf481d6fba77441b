//! Whether every honest input can be proven: no input may push a rescale's q out of its window.

use super::admissible;
use super::bounds::{bound, Bound, Known};
use crate::elem::Interval;
use crate::graph::{Graph, NodeId, Op, Params, Rescale};
use crate::ops::quantize::scale::rescale;
use crate::tensor::IntTensor;
use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq)]
pub enum CompletenessError {
    #[error("the model has {expected} {what}, got {got}")]
    Count { what: &'static str, expected: usize, got: usize },
    #[error("`{name}` has {} elements, got {got}", expected)]
    Weight { name: String, expected: usize, got: usize },
    #[error(
        "`{rescale}`: m = {m}, s = {s} is not admissible for a window of {window} bits and its accumulator"
    )]
    Inadmissible { rescale: String, m: u32, s: u32, window: u32 },
    #[error(
        "`{rescale}`: with these weights the accumulator reaches {bound}, which m = {m}, s = {s} takes out of a window of {window} bits"
    )]
    Window { rescale: String, bound: Interval, m: u32, s: u32, window: u32 },
}

/// Refuses parameters that some input could make unprovable, with these weights.
pub fn completeness(graph: &Graph, params: &Params, weights: &[IntTensor]) -> Result<(), CompletenessError> {
    check_counts(graph, params, weights)?;
    let known = Known { graph, weight: &|i| &weights[i], rescale: &|i| params.rescales[i] };
    let mut bounds: Vec<Bound> = Vec::with_capacity(graph.nodes.len());
    for id in 0..graph.nodes.len() {
        if let Op::Quantize { param, .. } = graph.node(id).op {
            check(graph, id, params.rescales[param], bounds[graph.node(id).args[0]].whole())?;
        }
        let b = bound(&known, id, &bounds);
        bounds.push(b);
    }
    Ok(())
}

pub(super) fn check_counts(
    graph: &Graph,
    params: &Params,
    weights: &[IntTensor],
) -> Result<(), CompletenessError> {
    let counts = [
        ("rescales", graph.rescales.len(), params.rescales.len()),
        ("steps", graph.steps.len(), params.steps.len()),
        ("weights", graph.weights.len(), weights.len()),
    ];
    if let Some(&(what, expected, got)) = counts.iter().find(|(_, e, g)| e != g) {
        return Err(CompletenessError::Count { what, expected, got });
    }
    for (decl, w) in graph.weights.iter().zip(weights) {
        let expected = graph.ty(decl.node).shape.len();
        if w.len() != expected {
            return Err(CompletenessError::Weight { name: decl.name.clone(), expected, got: w.len() });
        }
    }
    Ok(())
}

/// One rescale, whose accumulator lies in `bound`.
pub(super) fn check(graph: &Graph, id: NodeId, r: Rescale, bound: Interval) -> Result<(), CompletenessError> {
    let Some(a) = admissible(graph, id) else { return Ok(()) };
    let (name, window) = (graph.node(id).name.clone(), a.window);
    if !a.contains(r) {
        return Err(CompletenessError::Inadmissible { rescale: name, m: r.m, s: r.s, window });
    }
    if !fits(bound, window, r) {
        return Err(CompletenessError::Window { rescale: name, bound, m: r.m, s: r.s, window });
    }
    Ok(())
}

/// Whether every accumulator of `bound` stays inside the window.
pub(super) fn fits(bound: Interval, window: u32, r: Rescale) -> bool {
    let reach = 1i64 << (window - 1);
    -reach <= rescale(bound.lo, r) && rescale(bound.hi, r) < reach
}
