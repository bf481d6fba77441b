//! A graph over the real numbers: what the integers stand for. A quantisation is the identity here.
//!
//! Calibration reads its ranges from this, tests their accuracy. Values are `f32`, sums of rows `f64`.

mod elementwise;
mod layout;
mod matmul;
mod rows;

pub use elementwise::gelu;

use crate::graph::{Graph, NodeId, Op};
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
    mut visit: impl FnMut(NodeId, &FloatTensor),
) -> Result<(), FloatError> {
    check(graph, weights, inputs)?;
    let mut last_use: Vec<NodeId> = (0..graph.nodes.len()).collect();
    for (id, node) in graph.nodes.iter().enumerate() {
        node.args.iter().for_each(|&a| last_use[a] = id);
    }
    let mut values: Vec<Option<Cow<FloatTensor>>> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let value = match node.op {
            Op::Input(i) => Cow::Borrowed(&inputs[i]),
            Op::Weight(i) => Cow::Borrowed(&weights[i]),
            _ => Cow::Owned(apply(graph, id, &values)?),
        };
        visit(id, &value);
        values.push(Some(value));
        for &a in &node.args {
            if last_use[a] == id {
                values[a] = None;
            }
        }
    }
    Ok(())
}

fn check(graph: &Graph, weights: &[FloatTensor], inputs: &[FloatTensor]) -> Result<(), FloatError> {
    let weight_nodes = graph.weights.iter().map(|w| (&w.name, w.node)).collect::<Vec<_>>();
    let input_nodes = graph.inputs.iter().map(|p| (&p.name, p.node)).collect::<Vec<_>>();
    for (what, declared, given) in [("weights", weight_nodes, weights), ("inputs", input_nodes, inputs)] {
        if declared.len() != given.len() {
            return Err(FloatError::Count { what, expected: declared.len(), got: given.len() });
        }
        for ((name, node), t) in declared.into_iter().zip(given) {
            let (name, expected) = (name.clone(), &graph.ty(node).shape);
            if *expected != t.shape || t.data.len() != t.shape.len() {
                return Err(FloatError::Shape { name, expected: expected.clone(), got: t.shape.clone() });
            }
            if let Some(index) = t.data.iter().position(|v| !v.is_finite()) {
                return Err(FloatError::NotFinite { name, index });
            }
        }
    }
    Ok(())
}

/// An inner node's value from those of its arguments.
fn apply(graph: &Graph, id: NodeId, values: &[Option<Cow<FloatTensor>>]) -> Result<FloatTensor, FloatError> {
    let node = graph.node(id);
    let args: Vec<&FloatTensor> = node
        .args
        .iter()
        .map(|&a| values[a].as_deref().expect("arguments live until their last reader"))
        .collect();
    let (x, shape) = (args[0], &node.ty.shape);
    let map = |f: &dyn Fn(f32) -> f32| x.data.iter().map(|&v| f(v)).collect();
    let zip = |f: fn(f32, f32) -> f32| layout::zip(x, args[1], shape, f);
    let data: Vec<f32> = match &node.op {
        Op::Input(_) | Op::Weight(_) => unreachable!("leaves are borrowed"),
        Op::MatMul => matmul::matmul(x, args[1], shape),
        Op::Add => zip(|a, b| a + b),
        Op::Sub => zip(|a, b| a - b),
        Op::Mul => zip(|a, b| a * b),
        Op::Neg => map(&|v| -v),
        Op::MulInt(c) => map(&|v| v * *c as f32),
        Op::MulReal(c) => map(&|v| v * *c as f32),
        Op::Quantize { .. } | Op::Reshape => x.data.clone(),
        Op::Relu => map(&|v| v.max(0.0)),
        Op::Gelu => map(&|v| gelu(v as f64) as f32),
        Op::Exp => map(&f32::exp),
        Op::Softmax { causal } => rows::softmax(x, *causal),
        Op::AttentionCore { causal, .. } => {
            let masked = |row| FloatError::AllMasked { name: node.name.clone(), row };
            rows::attention(x, args[1], args.get(2).copied(), *causal).map_err(masked)?
        }
        Op::LayerNorm { epsilon } => rows::layer_norm(x, *epsilon),
        Op::Transpose { perm } => layout::transpose(x, perm),
        Op::Slice { axis, start, end } => layout::slice(x, *axis, *start, *end),
        Op::Concat { axis } => layout::concat(&args, *axis, shape),
    };
    Ok(FloatTensor::new(shape.clone(), data))
}

#[cfg(test)]
mod tests;
