//! The real value of a node's unit.

use crate::graph::{Graph, NodeId, Params};
use crate::tables::StepBits;

/// The step of a node, `None` where it is unknown or not a positive normal number.
pub(crate) fn value(graph: &Graph, params: &Params, node: NodeId) -> Option<StepBits> {
    let known = params.steps.len() >= graph.steps.len();
    known.then(|| graph.steps.value(&graph.ty(node).step, &params.steps)).and_then(StepBits::new)
}
