//! Builds graphs op by op.

use super::attempt::Mark;
use super::{
    Graph, Layout, Node, NodeId, Op, Port, RescaleDecl, RescaleRule, Step, StepError, StepKind, Steps,
    TensorType, WeightDecl,
};
use crate::elem::{Elem, Interval};
use crate::shape::Shape;

/// Adds nodes with their types. Ops check their own rules before they call [`GraphBuilder::push`].
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    pub fn new(name: impl Into<String>) -> Self {
        let graph = Graph {
            name: name.into(),
            nodes: vec![],
            inputs: vec![],
            weights: vec![],
            outputs: vec![],
            rescales: vec![],
            steps: Steps::default(),
        };
        Self { graph }
    }

    pub fn ty(&self, id: NodeId) -> &TensorType {
        self.graph.ty(id)
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// A data input with a free step.
    pub fn input(&mut self, name: impl Into<String>, elem: Elem, shape: Shape, private: bool) -> NodeId {
        let name = name.into();
        let step = self.fresh_step(&name, StepKind::Input);
        let op = Op::Input(self.graph.inputs.len());
        let node = self.push(op, vec![], TensorType { elem, shape, interval: elem.interval(), step }, &name);
        self.declare_input(Port { name, node, private });
        node
    }

    /// A weight with a free step.
    pub fn weight(&mut self, name: impl Into<String>, elem: Elem, shape: Shape, layout: Layout) -> NodeId {
        let name = name.into();
        let kind = if elem == Elem::I24 { StepKind::Bias } else { StepKind::Weight };
        let step = self.fresh_step(&name, kind);
        let op = Op::Weight(self.graph.weights.len());
        let node = self.push(op, vec![], TensorType { elem, shape, interval: elem.interval(), step }, &name);
        self.declare_weight(WeightDecl { name, node, layout });
        node
    }

    /// Integers that the model's text gives, in units of a known step.
    pub fn constant(&mut self, name: &str, elem: Elem, shape: Shape, values: Vec<i32>, step: f64) -> NodeId {
        let (lo, hi) = values.iter().fold((i32::MAX, i32::MIN), |(lo, hi), &v| (lo.min(v), hi.max(v)));
        let interval = Interval::new(lo as i64, hi as i64);
        let ty = TensorType { elem, shape, interval, step: Step::constant(step) };
        self.push(Op::Constant(values), vec![], ty, name)
    }

    pub fn push(&mut self, op: Op, args: Vec<NodeId>, ty: TensorType, name: impl Into<String>) -> NodeId {
        self.graph.nodes.push(Node { op, args, ty, name: name.into() });
        self.graph.nodes.len() - 1
    }

    pub fn fresh_step(&mut self, name: &str, kind: StepKind) -> Step {
        self.graph.steps.fresh(name, kind)
    }

    /// Makes the steps of two tensors equal.
    pub fn unify(&mut self, a: NodeId, b: NodeId) -> Result<Step, StepError> {
        let (a, b) = (self.ty(a).step.clone(), self.ty(b).step.clone());
        self.graph.steps.unify(&a, &b)
    }

    /// Declares that a tensor holds flags, integers of `range` with step 1: narrows an input or weight to that. What checks
    /// its values against the interval then checks the flags.
    pub fn flags(&mut self, id: NodeId, range: Interval) -> Result<(), String> {
        let node = self.graph.node(id);
        let declared = matches!(node.op, Op::Input(_) | Op::Weight(_));
        if !declared && !range.contains_interval(node.ty.interval) {
            return Err(format!("flags must be an input or a weight, got values in {}", node.ty.interval));
        }
        let step = node.ty.step.clone();
        self.graph.steps.pin(&step, 1.0).map_err(|e| e.to_string())?;
        if declared {
            let own = &mut self.graph.nodes[id].ty.interval;
            *own = Interval::new(own.lo.max(range.lo), own.hi.min(range.hi));
        }
        Ok(())
    }

    /// Whether a node is a weight or a view of one.
    pub fn is_weight(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        match node.op {
            Op::Weight(_) => true,
            Op::Transpose { .. } | Op::Reshape | Op::Slice { .. } | Op::Concat { .. } => {
                node.args.iter().all(|&a| self.is_weight(a))
            }
            _ => false,
        }
    }

    /// What to call a node in a message: the name of an input or weight, or of the one it is a view of, else `otherwise`.
    pub fn label<'a>(&'a self, id: NodeId, otherwise: &'a str) -> &'a str {
        let node = self.graph.node(id);
        match node.op {
            Op::Input(_) | Op::Weight(_) => node.name.rsplit('.').next().unwrap_or(otherwise),
            Op::Transpose { .. } | Op::Reshape | Op::Slice { .. } => self.label(node.args[0], otherwise),
            _ => otherwise,
        }
    }

    pub fn declare_rescale(&mut self, name: String, node: NodeId, rule: RescaleRule) -> usize {
        self.graph.rescales.push(RescaleDecl { name, node, rule });
        self.graph.rescales.len() - 1
    }

    pub fn declare_weight(&mut self, decl: WeightDecl) -> usize {
        self.graph.weights.push(decl);
        self.graph.weights.len() - 1
    }

    pub fn declare_input(&mut self, port: Port) -> usize {
        self.graph.inputs.push(port);
        self.graph.inputs.len() - 1
    }

    pub fn output(&mut self, name: impl Into<String>, node: NodeId) {
        self.graph.outputs.push(Port { name: name.into(), node, private: false });
    }

    /// Adds what `f` adds or, if it fails, nothing: nodes, declarations, steps and what was found of them are then those
    /// of before. The cost is proportional to inputs, weights and steps, not to the graph.
    pub fn attempt<T, E>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let before = Mark::of(&self.graph);
        let result = f(self);
        if result.is_err() {
            before.restore(&mut self.graph);
        }
        result
    }

    pub fn finish(self) -> Graph {
        self.graph
    }
}
