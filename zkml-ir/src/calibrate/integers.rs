//! Float weights in their steps.

use super::CalibrateError;
use crate::elem::Elem;
use crate::float::FloatTensor;
use crate::graph::Graph;
use crate::tensor::IntTensor;

/// A weight in its step, saturated to its element type.
pub(super) fn saturated(graph: &Graph, w: usize, float: &FloatTensor, steps: &[f64]) -> IntTensor {
    let ty = graph.ty(graph.weights[w].node);
    let (step, range) = (graph.steps.value(&ty.step, steps), ty.interval);
    let values = float.data.iter().map(|&v| units(v, step).clamp(range.lo as f64, range.hi as f64) as i32);
    IntTensor::from_checked(ty.shape.clone(), range, values.collect())
}

/// The same, but a weight whose step was forced by what it is added to must fit: saturation was not part of choosing it.
pub(super) fn weight(
    graph: &Graph,
    w: usize,
    float: &FloatTensor,
    steps: &[f64],
) -> Result<IntTensor, CalibrateError> {
    let decl = &graph.weights[w];
    let ty = graph.ty(decl.node);
    let step = graph.steps.resolve(&ty.step);
    if step.alone().is_none() || ty.elem == Elem::I24 {
        let step = graph.steps.value(&step, steps);
        let outside = |v: &&f32| !ty.interval.contains(units(**v, step) as i64);
        if let Some(&value) = float.data.iter().find(outside) {
            let (name, units) = (decl.name.clone(), units(value, step));
            return Err(CalibrateError::WeightRange { name, value, units, step, range: ty.interval });
        }
    }
    Ok(saturated(graph, w, float, steps))
}

fn units(v: f32, step: f64) -> f64 {
    (v as f64 / step).round()
}
