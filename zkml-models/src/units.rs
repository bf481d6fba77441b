//! Real numbers to a model's integers and back: a tensor's step is the real value of one unit.

use zkml_dsl::prelude::Params;
use zkml_ir::graph::{Graph, NodeId};

/// The step of input `i`.
///
/// # Panics
/// If the graph has no such input.
pub fn input_step(graph: &Graph, params: &Params, i: usize) -> f64 {
    step(graph, params, graph.inputs[i].node)
}

/// The step of output `i`.
///
/// # Panics
/// If the graph has no such output.
pub fn output_step(graph: &Graph, params: &Params, i: usize) -> f64 {
    step(graph, params, graph.outputs[i].node)
}

fn step(graph: &Graph, params: &Params, node: NodeId) -> f64 {
    graph.steps.value(&graph.ty(node).step, &params.steps)
}

/// The nearest integers of input `i`, saturated to its element type.
///
/// # Panics
/// If the graph has no such input.
pub fn to_units(graph: &Graph, params: &Params, i: usize, values: &[f32]) -> Vec<i32> {
    let (step, range) = (input_step(graph, params, i), graph.ty(graph.inputs[i].node).interval);
    let units = |v: &f32| (f64::from(*v) / step).round().clamp(range.lo as f64, range.hi as f64) as i32;
    values.iter().map(units).collect()
}

/// The real values of output `i`.
///
/// # Panics
/// If the graph has no such output.
pub fn to_real(graph: &Graph, params: &Params, i: usize, units: &[i32]) -> Vec<f32> {
    let step = output_step(graph, params, i);
    units.iter().map(|&u| (f64::from(u) * step) as f32).collect()
}
