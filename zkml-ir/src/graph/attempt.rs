//! All or nothing: a refused call leaves the graph as it was.

use super::{Graph, NodeId, Op, StepId};
use crate::elem::Interval;

/// A graph only grows, but for two things: unification solves a step, once and for all, and flags narrow the interval of an
/// input or weight.
pub(super) struct Mark {
    nodes: usize,
    inputs: usize,
    weights: usize,
    outputs: usize,
    rescales: usize,
    steps: usize,
    /// Ascending.
    solved: Vec<StepId>,
    declared: Vec<(NodeId, Interval)>,
}

impl Mark {
    pub fn of(g: &Graph) -> Self {
        let declared = g.inputs.iter().map(|p| p.node).chain(g.weights.iter().map(|w| w.node));
        Self {
            nodes: g.nodes.len(),
            inputs: g.inputs.len(),
            weights: g.weights.len(),
            outputs: g.outputs.len(),
            rescales: g.rescales.len(),
            steps: g.steps.len(),
            solved: g.steps.solved.keys().copied().collect(),
            declared: declared.map(|id| (id, g.ty(id).interval)).collect(),
        }
    }

    pub fn restore(&self, g: &mut Graph) {
        g.nodes.truncate(self.nodes);
        g.inputs.truncate(self.inputs);
        g.weights.truncate(self.weights);
        g.outputs.truncate(self.outputs);
        g.rescales.truncate(self.rescales);
        g.steps.names.truncate(self.steps);
        g.steps.kinds.truncate(self.steps);
        g.steps.solved.retain(|id, _| self.solved.binary_search(id).is_ok());
        for &(id, interval) in &self.declared {
            g.nodes[id].ty.interval = interval;
        }
    }
}

impl Graph {
    /// Inputs and weights that nothing reads, in node order. A model with one is a mistake: a verifier would take it for
    /// part of the computation.
    pub fn unused(&self) -> Vec<NodeId> {
        let uses = self.use_counts();
        let declared = |id: &NodeId| matches!(self.node(*id).op, Op::Input(_) | Op::Weight(_));
        (0..self.nodes.len()).filter(|id| uses[*id] == 0).filter(declared).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::elem::Elem;
    use crate::graph::{GraphBuilder, Layout};
    use crate::ops::{find, Arg, Call};
    use crate::shape::Shape;

    /// The mask is narrowed, biases take steps and most nodes are there when the last bias turns out too long.
    #[test]
    fn a_refused_call_leaves_nothing() {
        let mut b = GraphBuilder::new("t");
        let x = b.input("x", Elem::I8, Shape::new([4, 8]), false);
        let mask = b.input("mask", Elem::U8, Shape::new([4]), false);
        let weight = |b: &mut GraphBuilder, name: &str, elem, dims: &[usize]| {
            b.weight(name, elem, Shape::new(dims), Layout::InOut)
        };
        let w_qkv = weight(&mut b, "w_qkv", Elem::I8, &[8, 24]);
        let w_out = weight(&mut b, "w_out", Elem::I8, &[8, 8]);
        let b_qkv = weight(&mut b, "b_qkv", Elem::I24, &[24]);
        let long = weight(&mut b, "b_out", Elem::I24, &[9]);
        let right = weight(&mut b, "b_out_2", Elem::I24, &[8]);
        let before = b.graph().clone();
        let mut call = Call { tensors: vec![x, w_qkv, w_out], name: "a".into(), ..Call::default() };
        let tensors = [("mask", mask), ("b_qkv", b_qkv), ("b_out", long)];
        call.named = tensors.map(|(n, id)| (n.to_string(), Arg::Tensor(id))).into();
        call.named.insert("heads".into(), Arg::Int(2));
        let attention = find("attention").unwrap();
        // Without the guard there is much left: this is what it is for.
        let mut unguarded = b.clone();
        attention.rules(&mut unguarded, &call).unwrap_err();
        let left = unguarded.graph();
        assert!(left.nodes.len() > before.nodes.len() && left.rescales.len() > before.rescales.len());
        assert!(left.steps.len() > before.steps.len() && left.steps.solved.len() > before.steps.solved.len());
        assert_ne!(left.ty(mask).interval, before.ty(mask).interval);

        attention.build(&mut b, &call).unwrap_err();
        assert_eq!(b.graph(), &before);
        call.named.insert("b_out".into(), Arg::Tensor(right));
        attention.build(&mut b, &call).unwrap();
        assert_eq!(b.graph().unused(), [long]);
    }
}
