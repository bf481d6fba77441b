//! What an exporter split is put together again, and what it left to run time is folded.
//!
//! Each pass looks for one thing and puts one node in the place of several; nodes that nothing reads any more are dropped.

mod attention;
mod batch_norm;
mod function;
mod layer_norm;
mod one_hot;
mod rows;
mod rows_by_value;
mod softmax;
mod split_weights;

use crate::net::{Attributes, Net, Node, ValueId};
use crate::tensor::Tensor;

/// Runs all passes.
pub fn fuse(net: &mut Net) {
    batch_norm::run(net);
    one_hot::run(net);
    layer_norm::run(net);
    rows_by_value::run(net);
    softmax::run(net);
    function::run(net);
    split_weights::run(net);
    rows::run(net);
    attention::run(net);
    rows::run(net);
    net.prune();
}

/// A graph that is looked at.
struct View<'n> {
    net: &'n Net,
    producers: Vec<Option<usize>>,
    uses: Vec<usize>,
}

impl<'n> View<'n> {
    fn new(net: &'n Net) -> Self {
        Self { net, producers: net.producers(), uses: net.uses() }
    }

    /// The node that gives this value, if it is one of these ops.
    fn by(&self, v: ValueId, ops: &[&str]) -> Option<&'n Node> {
        let node = &self.net.nodes[self.producers[v]?];
        ops.contains(&node.op.as_str()).then_some(node)
    }

    fn uniform(&self, v: ValueId) -> Option<f32> {
        self.net.value(v).and_then(Tensor::uniform)
    }

    /// The other input of a node of two, if this one is a number everywhere.
    fn with_number(&self, node: &Node) -> Option<(ValueId, f32)> {
        let (a, b) = (node.input(0)?, node.input(1)?);
        match (self.uniform(a), self.uniform(b)) {
            (None, Some(v)) => Some((a, v)),
            (Some(v), None) => Some((b, v)),
            _ => None,
        }
    }

    fn is_last_axis(&self, node: &Node) -> bool {
        let rank = match node.input(0) {
            Some(v) => self.net.dims(v).len(),
            None => return false,
        };
        let axes = crate::ops::ints(self.net, node, "axes", 1).ok().flatten();
        axes.is_some_and(|a| a == [-1] || a == [rank as i64 - 1])
    }
}

/// Puts a node where the one at `at` was, with its outputs.
fn replace(net: &mut Net, at: usize, op: &str, inputs: Vec<Option<ValueId>>, attributes: Attributes) {
    let old = &net.nodes[at];
    let node =
        Node { name: old.name.clone(), op: op.to_owned(), inputs, outputs: old.outputs.clone(), attributes };
    net.nodes[at] = node;
}
