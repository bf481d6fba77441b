//! Whether a graph that came from a file is one: what [`GraphBuilder`](super::GraphBuilder) ensures of those that it makes.
//!
//! A graph is not what a verifier trusts (that is the model's key), so this does not judge a model; it lets everything that
//! reads graphs index without fear. Intervals and steps are taken at their word.

mod shapes;

use super::steps::MAX_POWER;
use super::{Graph, Node, NodeId, Op, Port};
use crate::elem::Elem;
use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GraphError {
    #[error("`{name}`, node {node}, reads node {arg}, expected an earlier one")]
    Later { name: String, node: NodeId, arg: NodeId },
    #[error("`{name}`, node {node}: {op} of {args} does not give {got}")]
    Shape { name: String, node: NodeId, op: &'static str, args: String, got: String },
    #[error("`{name}`, node {node}: {what}")]
    Node { name: String, node: NodeId, what: String },
    #[error("{what} {index}, `{name}`, is node {node}, which is not declared as that")]
    Declaration { what: &'static str, index: usize, name: String, node: NodeId },
    #[error("the steps: {0}")]
    Steps(String),
}

impl Graph {
    /// Checks arguments, shapes, declarations and steps. Cost: linear in the graph.
    pub fn check(&self) -> Result<(), GraphError> {
        self.steps.check().map_err(GraphError::Steps)?;
        for (id, node) in self.nodes.iter().enumerate() {
            self.check_node(id, node)?;
        }
        let is = |node: NodeId, op: Op| self.nodes.get(node).is_some_and(|n| n.op == op);
        let refuse = |what, index, name: &str, node| {
            Err(GraphError::Declaration { what, index, name: name.to_owned(), node })
        };
        for (i, Port { name, node, .. }) in self.inputs.iter().enumerate() {
            if !is(*node, Op::Input(i)) {
                return refuse("input", i, name, *node);
            }
        }
        for (i, w) in self.weights.iter().enumerate() {
            if !is(w.node, Op::Weight(i)) {
                return refuse("weight", i, &w.name, w.node);
            }
        }
        for (i, r) in self.rescales.iter().enumerate() {
            if r.node >= self.nodes.len() {
                return refuse("rescale", i, &r.name, r.node);
            }
        }
        for (i, Port { name, node, .. }) in self.outputs.iter().enumerate() {
            if *node >= self.nodes.len() {
                return refuse("output", i, name, *node);
            }
        }
        Ok(())
    }

    fn check_node(&self, id: NodeId, node: &Node) -> Result<(), GraphError> {
        let name = || node.name.clone();
        if let Some(&arg) = node.args.iter().find(|&&a| a >= id) {
            return Err(GraphError::Later { name: name(), node: id, arg });
        }
        let refuse = |what: String| Err(GraphError::Node { name: name(), node: id, what });
        let ty = &node.ty;
        if ty.interval.lo > ty.interval.hi || !Elem::Acc.interval().contains_interval(ty.interval) {
            return refuse(format!(
                "values in {}, expected some within {}",
                ty.interval,
                Elem::Acc.interval()
            ));
        }
        if let Some(step) = ty.step.powers.keys().find(|&&s| s >= self.steps.len()) {
            return refuse(format!("step {step}, there are {}", self.steps.len()));
        }
        if let Some(k) = ty.step.powers.values().find(|k| k.unsigned_abs() > MAX_POWER) {
            return refuse(format!("a step to the power {k}, expected at most {MAX_POWER}"));
        }
        let known = match node.op {
            Op::Input(i) => self.inputs.get(i).is_some_and(|p| p.node == id),
            Op::Weight(i) => self.weights.get(i).is_some_and(|w| w.node == id),
            Op::Quantize { param, .. } => param < self.rescales.len(),
            _ => true,
        };
        if !known {
            return refuse(format!("{} is not declared", node.op.name()));
        }
        let args: Vec<_> = node.args.iter().map(|&a| &self.ty(a).shape).collect();
        if shapes::agree(&node.op, &args, &ty.shape) != Some(true) {
            let args = args.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let (op, got) = (node.op.name(), ty.shape.to_string());
            return Err(GraphError::Shape { name: name(), node: id, op, args, got });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
