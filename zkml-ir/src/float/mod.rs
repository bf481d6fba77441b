//! A graph over the real numbers: what the integers stand for. A quantisation is the identity here.
//!
//! Calibration reads its ranges from this, tests their accuracy. Values are `f32`, sums of rows `f64`.

mod elementwise;
pub(crate) mod layout;
pub(crate) mod matmul;
pub(crate) mod rows;

pub use elementwise::{function, gelu};

use crate::graph::{Graph, Node, NodeId, Op};
use crate::shape::Shape;
use std::borrow::Cow;
use thiserror::Error;

/// A dense real tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatTensor {
    pub shape: Shape,
    pub data: Vec<f32>,
}

impl FloatTensor {
    /// # Panics
    /// If the length differs from the shape's.
    pub fn new(shape: Shape, data: Vec<f32>) -> Self {
        assert_eq!(shape.len(), data.len(), "shape {shape}");
        Self { shape, data }
    }

    pub fn max_abs(&self) -> f32 {
        self.data.iter().fold(0.0, |m, v| v.abs().max(m))
    }
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum FloatError {
    #[error("the model takes {expected} {what}, got {got}")]
    Count { what: &'static str, expected: usize, got: usize },
    #[error("`{name}` has shape {expected}, got {got}")]
    Shape { name: String, expected: Shape, got: Shape },
    #[error("`{name}` holds a value that is not finite, at index {index}")]
    NotFinite { name: String, index: usize },
    #[error("`{name}`: token {value} at index {index} is none of {rows} rows")]
    Token { name: String, index: usize, value: f32, rows: usize },
    #[error("`{name}`: every key of row {row} is masked")]
    AllMasked { name: String, row: usize },
}

/// The model's outputs. Weights and inputs are in the shapes of the graph, in its order.
pub fn eval(
    graph: &Graph,
    weights: &[FloatTensor],
    inputs: &[FloatTensor],
) -> Result<Vec<FloatTensor>, FloatError> {
    let mut outputs: Vec<Option<FloatTensor>> = vec![None; graph.outputs.len()];
    walk(graph, weights, inputs, |id, value| {
        for (port, out) in graph.outputs.iter().zip(&mut outputs) {
            if port.node == id {
                *out = Some(value.clone());
            }
        }
    })?;
    Ok(outputs.into_iter().map(|o| o.expect("an output is a node")).collect())
}

/// Shows every node's value to `visit`, in node order; a value lives until its last reader.
pub fn walk(
    graph: &Graph,
    weights: &[FloatTensor],
    inputs: &[FloatTensor],
    visit: impl FnMut(NodeId, &FloatTensor),
) -> Result<(), FloatError> {
    check_weights(graph, weights)?;
    check_inputs(graph, inputs)?;
    walk_checked(graph, weights, inputs, visit)
}

/// The same for weights and inputs that were checked: a model's weights are large, and the same for all samples.
pub(crate) fn walk_checked(
    graph: &Graph,
    weights: &[FloatTensor],
    inputs: &[FloatTensor],
    mut visit: impl FnMut(NodeId, &FloatTensor),
) -> Result<(), FloatError> {
    walk_edited(graph, weights, inputs, |id, value| visit(id, value))
}

/// The same, where `edit` may change a value before others read it.
pub(crate) fn walk_edited(
    graph: &Graph,
    weights: &[FloatTensor],
    inputs: &[FloatTensor],
    mut edit: impl FnMut(NodeId, &mut Cow<FloatTensor>),
) -> Result<(), FloatError> {
    let mut last_use: Vec<NodeId> = (0..graph.nodes.len()).collect();
    for (id, node) in graph.nodes.iter().enumerate() {
        node.args.iter().for_each(|&a| last_use[a] = id);
    }
    let mut values: Vec<Option<Cow<FloatTensor>>> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let mut value = match node.op {
            Op::Input(i) => Cow::Borrowed(&inputs[i]),
            Op::Weight(i) => Cow::Borrowed(&weights[i]),
            _ => Cow::Owned(apply(graph, id, &values)?),
        };
        edit(id, &mut value);
        // What nobody reads is gone at once.
        values.push(Some(value).filter(|_| last_use[id] > id));
        for &a in &node.args {
            if last_use[a] == id {
                values[a] = None;
            }
        }
    }
    Ok(())
}

pub(crate) fn check_weights(graph: &Graph, given: &[FloatTensor]) -> Result<(), FloatError> {
    check(graph, "weights", graph.weights.iter().map(|w| (&w.name, w.node)), given)
}

pub(crate) fn check_inputs(graph: &Graph, given: &[FloatTensor]) -> Result<(), FloatError> {
    check(graph, "inputs", graph.inputs.iter().map(|p| (&p.name, p.node)), given)
}

fn check<'a>(
    graph: &Graph,
    what: &'static str,
    declared: impl ExactSizeIterator<Item = (&'a String, NodeId)>,
    given: &[FloatTensor],
) -> Result<(), FloatError> {
    if declared.len() != given.len() {
        return Err(FloatError::Count { what, expected: declared.len(), got: given.len() });
    }
    for ((name, node), t) in declared.zip(given) {
        let (name, expected) = (name.clone(), &graph.ty(node).shape);
        if *expected != t.shape || t.data.len() != t.shape.len() {
            return Err(FloatError::Shape { name, expected: expected.clone(), got: t.shape.clone() });
        }
        if let Some(index) = first_not_finite(&t.data) {
            return Err(FloatError::NotFinite { name, index });
        }
    }
    Ok(())
}

pub(crate) fn first_not_finite(data: &[f32]) -> Option<usize> {
    // Whole blocks first: no early end, so the compiler compares many at a time.
    let bad = |block: &[f32]| block.iter().fold(false, |bad, v| bad | !v.is_finite());
    let block = data.chunks(1024).position(bad)?;
    data[block * 1024..].iter().position(|v| !v.is_finite()).map(|i| block * 1024 + i)
}

/// A node with the values of its arguments.
pub(crate) struct FloatArgs<'a> {
    pub node: &'a Node,
    pub args: Vec<&'a FloatTensor>,
}

impl FloatArgs<'_> {
    /// `f` of every value of the first argument.
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Vec<f32> {
        self.args[0].data.iter().map(|&v| f(v)).collect()
    }

    /// `f` of both arguments, broadcast.
    pub fn zip(&self, f: fn(f32, f32) -> f32) -> Vec<f32> {
        layout::zip(self.args[0], self.args[1], &self.node.ty.shape, f)
    }

    pub fn masked(&self, row: usize) -> FloatError {
        FloatError::AllMasked { name: self.node.name.clone(), row }
    }

    /// A value that the caller was to give.
    pub fn missing(&self) -> FloatError {
        FloatError::Count { what: "values", expected: 1, got: 0 }
    }
}

/// An inner node's value from those of its arguments.
fn apply(graph: &Graph, id: NodeId, values: &[Option<Cow<FloatTensor>>]) -> Result<FloatTensor, FloatError> {
    let node = graph.node(id);
    let args =
        node.args.iter().map(|&a| values[a].as_deref().expect("arguments live until their last reader"));
    let data = node.op.primitive().float(&FloatArgs { node, args: args.collect() })?;
    Ok(FloatTensor::new(node.ty.shape.clone(), data))
}

#[cfg(test)]
mod tests;
