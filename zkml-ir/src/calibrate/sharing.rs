//! Who reads which step: resolved steps, and weights whose step is the business of one rescale alone.

use super::resolved;
use super::stats::owns_step;
use crate::graph::{Graph, NodeId, Step, StepId, StepKind};
use crate::ops::quantize::scale::least_window;

pub(super) struct Sharing {
    /// By node, in unsolved steps.
    pub steps: Vec<Step>,
    /// By weight.
    pub weight_steps: Vec<Step>,
    /// By step: the number of non-linear nodes whose argument or result it occurs in.
    readers: Vec<usize>,
    /// By step: the number of tensors, biases aside, whose step is it up to a constant.
    owners: Vec<usize>,
    kinds: Vec<StepKind>,
    /// By step: the bits of the narrowest tensor whose step is it up to a constant.
    pub bits: Vec<u32>,
}

impl Sharing {
    pub fn new(graph: &Graph) -> Self {
        let steps: Vec<Step> = (0..graph.nodes.len()).map(|id| resolved(graph, id)).collect();
        let mut readers = vec![0; graph.steps.len()];
        for (id, node) in graph.nodes.iter().enumerate() {
            if node.op.primitive().reads_steps() {
                let near = || node.args.iter().chain([&id]).map(|&n| &steps[n]);
                (0..readers.len())
                    .filter(|s| near().any(|step| step.contains(*s)))
                    .for_each(|s| readers[s] += 1);
            }
        }
        let mut owners = vec![0; graph.steps.len()];
        for id in (0..graph.steps.len()).filter(|&id| graph.steps.kinds[id] != StepKind::Bias) {
            if let Some(owner) = graph.steps.resolve(&Step::free(id)).alone() {
                owners[owner] += 1;
            }
        }
        let mut bits = vec![24; graph.steps.len()];
        for id in (0..graph.nodes.len()).filter(|&id| owns_step(graph, id)) {
            if let Some(step) = steps[id].alone() {
                bits[step] = least_window(graph.ty(id).elem).min(bits[step]);
            }
        }
        let weight_steps = graph.weights.iter().map(|w| steps[w.node].clone()).collect();
        Self { steps, weight_steps, readers, owners, kinds: graph.steps.kinds.clone(), bits }
    }

    pub fn is_weight(&self, step: StepId) -> bool {
        self.kinds[step] == StepKind::Weight
    }

    /// A weight whose step can change without any other rescale or function noticing.
    pub fn private_weight(&self, acc: NodeId, out: &Step) -> Option<StepId> {
        let own = |id: StepId, power: i32| {
            power == 1
                && self.kinds[id] == StepKind::Weight
                && self.readers[id] == 1
                && self.owners[id] == 1
                && !out.contains(id)
        };
        self.steps[acc].powers.iter().rev().find(|(&id, &power)| own(id, power)).map(|(&id, _)| id)
    }
}
