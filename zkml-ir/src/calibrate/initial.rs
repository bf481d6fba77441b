//! First values of the free steps, from the ranges alone.

use super::clip::{self, Reader, Tensor};
use super::resolved;
use super::stats::{owns_step, Stats};
use crate::elem::Elem;
use crate::exec::in_parallel;
use crate::graph::{Graph, NodeId, Op};
use crate::tables::Function;

/// By step; `None` for solved steps and for those of tensors that are zero on all samples.
pub(super) fn steps(graph: &Graph, stats: &[Stats]) -> Vec<Option<f64>> {
    let mut shared: Vec<Vec<Tensor>> = (0..graph.steps.len()).map(|_| vec![]).collect();
    // A bias takes the step that its accumulator has; behind a layer normalisation that is a weight's up to a constant.
    let chooses = |id: &NodeId| owns_step(graph, *id) && graph.ty(*id).elem != Elem::I24;
    for id in (0..graph.nodes.len()).filter(chooses) {
        let step = resolved(graph, id);
        if let Some(free) = step.alone() {
            shared[free].push(Tensor {
                stats: &stats[id],
                elem: graph.ty(id).elem,
                coef: step.coef,
                reader: reader(graph, id),
                is_weight: matches!(graph.node(id).op, Op::Weight(_)),
            });
        }
    }
    // The values kept and tried say how long that takes.
    let work = stats.iter().map(|s| s.values.len()).sum();
    in_parallel(shared.len(), work, |i| clip::step(&shared[i]))
}

/// The function that reads the node, if nothing else does.
pub(super) fn reader(graph: &Graph, id: NodeId) -> Reader {
    let mut readers = graph.nodes.iter().filter(|n| n.args.contains(&id)).map(|n| match n.op {
        Op::Relu => Reader::Gate(Function::Relu),
        Op::Gelu => Reader::Gate(Function::Gelu),
        Op::Map(f @ (Function::Silu | Function::GeluTanh)) => Reader::Gate(f),
        Op::Map(f @ (Function::Sigmoid | Function::Tanh)) => Reader::Limited(f),
        Op::Clamp { lo, hi } => Reader::Clamp(lo, hi),
        _ => Reader::Any,
    });
    let first = readers.next().unwrap_or(Reader::Any);
    let is_output = graph.outputs.iter().any(|o| o.node == id);
    if is_output || readers.any(|r| r != first) {
        Reader::Any
    } else {
        first
    }
}
