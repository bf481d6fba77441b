//! Builds graphs op by op.

use super::{Graph, Node, NodeId, Op, Port, RescaleDecl, RescaleRule, Steps, TensorType, WeightDecl};

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

    pub fn push(&mut self, op: Op, args: Vec<NodeId>, ty: TensorType, name: impl Into<String>) -> NodeId {
        self.graph.nodes.push(Node { op, args, ty, name: name.into() });
        self.graph.nodes.len() - 1
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

    pub fn finish(self) -> Graph {
        self.graph
    }
}
