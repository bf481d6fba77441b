//! The integers: `run` computes a model's outputs, `trace` the witness of a plan too.
//!
//! Both walk the graph with the same functions, which each op defines beside the relations that they satisfy
//! (`crate::ops::primitive`).

mod debug;
pub(crate) mod kernel;
pub(crate) mod layout;
mod multiplicity;
pub(crate) mod node;
mod recipe;
mod relation;

pub use debug::{debug_check, DebugChecker, Violation};
pub use recipe::{
    broadcast_strides, Attention, LayerNorm, Recipe, RescaleCells, Rescaling, RowSums, Stepper, WideNorm, Zip,
};

pub(crate) use kernel::{all_rows, by_rows, in_parallel};

use crate::elem::Interval;
use crate::graph::{Graph, Node, NodeId, Op, Params};
use crate::lower::{io, LowerError, Lowered};
use crate::plan::{BoundBy, Source};
use crate::shape::Shape;
use crate::tensor::IntTensor;
use node::{Machine, Val};
use thiserror::Error;

/// Everything a proof commits or shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// By tensor of the plan, row-major: the trace, inputs and outputs. Weights and constants are known elsewhere.
    pub tensors: Vec<Option<Vec<i32>>>,
    /// By output of the model.
    pub outputs: Vec<IntTensor>,
    /// By table of the plan: how often each row is looked up.
    pub multiplicities: Vec<Vec<u32>>,
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum RunError {
    #[error("the model takes {expected} {what}, got {got}")]
    Count { what: &'static str, expected: usize, got: usize },
    #[error("`{name}` has shape {expected}, got {got}")]
    Shape { name: String, expected: Shape, got: Shape },
    #[error("`{name}`: value {value} at index {index} is outside {range}")]
    Range { name: String, index: usize, value: i64, range: Interval },
    #[error(
        "`{name}`: accumulator {value} at index {index} leaves the window of {window} bits; its scale is too large"
    )]
    Window { name: String, index: usize, value: i64, window: u32 },
    #[error("`{name}`: every key of row {row} is masked")]
    AllMasked { name: String, row: usize },
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error("`{name}`: {what}")]
    Unprovable { name: String, what: String },
}

/// The model's outputs.
pub fn run(
    graph: &Graph,
    params: &Params,
    weights: &[IntTensor],
    inputs: &[IntTensor],
) -> Result<Vec<IntTensor>, RunError> {
    check_arguments(graph, weights, inputs)?;
    let mut machine = Machine::new(graph, params, weights, inputs);
    for id in 0..graph.nodes.len() {
        machine.step(id, false)?;
    }
    Ok(machine.outputs())
}

/// Shows every node's integers to `visit`, in node order, as [`crate::float::walk`] shows real values. Weights are not
/// shown, which the caller has. A value lives until its last reader; time and memory are those of [`run`].
pub fn walk(
    graph: &Graph,
    params: &Params,
    weights: &[IntTensor],
    inputs: &[IntTensor],
    mut visit: impl FnMut(NodeId, &[i32]),
) -> Result<(), RunError> {
    check_arguments(graph, weights, inputs)?;
    let mut machine = Machine::new(graph, params, weights, inputs);
    for (id, node) in graph.nodes.iter().enumerate() {
        machine.step(id, false)?;
        if let (false, Some(value)) = (matches!(node.op, Op::Weight(_)), &machine.values[id]) {
            visit(id, &value.ints());
        }
    }
    Ok(())
}

/// The outputs with the witness that proves them. `lowered` is that of the same graph and parameters.
pub fn trace(
    graph: &Graph,
    lowered: &Lowered,
    params: &Params,
    weights: &[IntTensor],
    inputs: &[IntTensor],
) -> Result<Witness, RunError> {
    check_arguments(graph, weights, inputs)?;
    let plan = &lowered.plan;
    let mut tensors = vec![None; plan.tensors.len()];
    let mut machine = Machine::new(graph, params, weights, inputs);
    for (id, part) in lowered.parts.iter().take(graph.nodes.len()).enumerate() {
        let commits = plan.tensors[part.tensors.clone()].iter().any(|t| t.source == Source::Trace);
        machine.declared = &plan.tensors[part.tensors.clone()];
        let mut cells = machine.step(id, commits)?.into_iter();
        for t in part.tensors.clone() {
            tensors[t] = match plan.tensors[t].source {
                Source::Trace => cells.next(),
                Source::PublicInput(i) | Source::PrivateInput(i) => Some(inputs[i].to_vec()),
                _ => continue,
            };
        }
        debug_assert!(cells.next().is_none(), "{} computes more cells than it declares", part.name);
    }
    let outputs = machine.outputs();
    for (t, decl) in tensors.iter_mut().zip(&plan.tensors) {
        if let Source::PublicOutput(i) = decl.source {
            *t = Some(outputs[i].to_vec());
        }
    }
    let mut witness = Witness { tensors, outputs, multiplicities: vec![] };
    witness.multiplicities = multiplicity::count(plan, &witness, weights)?;
    Ok(witness)
}

/// The witness of one part of [`crate::lower::certificate`].
pub fn certificate_trace(lowered: &Lowered, weights: &[IntTensor]) -> Result<Witness, RunError> {
    let plan = &lowered.plan;
    count("weights", lowered.parts.len(), weights.len())?;
    let mut tensors = vec![None; plan.tensors.len()];
    for part in &lowered.parts {
        // The weight itself, then its limbs.
        let decl = &plan.tensors[part.tensors.start];
        let Source::Weight(w) = decl.source else { continue };
        if decl.bound == BoundBy::Certificate {
            continue; // another part's
        }
        check_values(&decl.name, &decl.axes.shape(), decl.range, &weights[w])?;
        let limbs = part.tensors.clone().skip(1);
        if part.tensors.len() > 1 {
            let cells = io::bounded_cells(decl.range, &weights[w].to_vec());
            limbs.zip(cells).for_each(|(t, c)| tensors[t] = Some(c));
        }
    }
    let mut witness = Witness { tensors, outputs: vec![], multiplicities: vec![] };
    witness.multiplicities = multiplicity::count(plan, &witness, weights)?;
    Ok(witness)
}

fn count(what: &'static str, expected: usize, got: usize) -> Result<(), RunError> {
    match expected == got {
        true => Ok(()),
        false => Err(RunError::Count { what, expected, got }),
    }
}

fn check_weights(graph: &Graph, weights: &[IntTensor]) -> Result<(), RunError> {
    count("weights", graph.weights.len(), weights.len())?;
    graph.nodes.iter().try_for_each(|node| match node.op {
        Op::Weight(i) => check_tensor(node, &weights[i]),
        _ => Ok(()),
    })
}

fn check_tensor(node: &Node, t: &IntTensor) -> Result<(), RunError> {
    check_values(&node.name, &node.ty.shape, node.ty.interval, t)
}

fn check_values(name: &str, shape: &Shape, range: Interval, t: &IntTensor) -> Result<(), RunError> {
    let name = || name.to_owned();
    if t.shape() != shape {
        return Err(RunError::Shape { name: name(), expected: shape.clone(), got: t.shape().clone() });
    }
    match node::first_outside(t, range) {
        Some((index, value)) => Err(RunError::Range { name: name(), index, value, range }),
        None => Ok(()),
    }
}

pub(crate) fn check_arguments(
    graph: &Graph,
    weights: &[IntTensor],
    inputs: &[IntTensor],
) -> Result<(), RunError> {
    check_weights(graph, weights)?;
    check_inputs(graph, inputs)
}

fn check_inputs(graph: &Graph, inputs: &[IntTensor]) -> Result<(), RunError> {
    count("inputs", graph.inputs.len(), inputs.len())?;
    graph.nodes.iter().try_for_each(|node| match node.op {
        Op::Input(i) => check_tensor(node, &inputs[i]),
        _ => Ok(()),
    })
}

impl Machine<'_> {
    fn outputs(&self) -> Vec<IntTensor> {
        let port = |id: usize| {
            let ty = self.graph.ty(id);
            let values = self.values[id].as_ref().map_or(vec![], Val::to_vec);
            IntTensor::from_checked(ty.shape.clone(), ty.interval, values)
        };
        self.graph.outputs.iter().map(|o| port(o.node)).collect()
    }
}
