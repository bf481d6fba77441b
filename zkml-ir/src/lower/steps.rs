//! The real value of a node's unit.

use crate::graph::{Graph, NodeId, Params, Step};
use crate::tables::StepBits;

/// The step of a node, `None` where it is not a positive normal number.
pub(crate) fn value(graph: &Graph, params: &Params, node: NodeId) -> Option<StepBits> {
    StepBits::new(monomial(graph, params, &graph.ty(node).step, 0)?)
}

/// One multiplication or division at a time, in ascending order of the free steps: the same bits on every machine.
fn monomial(graph: &Graph, params: &Params, step: &Step, depth: usize) -> Option<f64> {
    if depth > graph.steps.solved.len() {
        return None;
    }
    let mut v = step.coef;
    for (id, &power) in &step.powers {
        let x = match graph.steps.solved.get(id) {
            Some(s) => monomial(graph, params, s, depth + 1)?,
            None => *params.steps.get(*id)?,
        };
        for _ in 0..power.unsigned_abs() {
            v = if power > 0 { v * x } else { v / x };
        }
    }
    Some(v)
}
