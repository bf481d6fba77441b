//! Models without types of their own: what [`Builder::finish`](crate::builder::Builder::finish) gives, and any other graph.
//!
//! The same as a macro's `Instance` and `Model`, over plain [`IntTensor`]s in the order of the
//! graph's inputs and outputs. Counts, shapes and integer ranges are checked here, where the macro's types would.

mod instance;
mod model;

pub use instance::DynamicInstance;
pub use model::DynamicModel;

pub use crate::typed::NamedTensors;
pub use zkml_ir::cost::CostReport;
pub use zkml_ir::tensor::IntTensor;

use crate::Error;
use zkml_ir::graph::{Graph, Port};

/// The place of the port of this name.
fn find(ports: &[Port], name: &str) -> Result<usize, Error> {
    ports.iter().position(|p| p.name == name).ok_or_else(|| Error::Missing {
        name: name.to_owned(),
        there: ports.iter().map(|p| p.name.clone()).collect(),
    })
}

/// Row-major values of the input of this name.
fn input(graph: &Graph, name: &str, values: &[i32]) -> Result<IntTensor, Error> {
    let ty = graph.ty(graph.inputs[find(&graph.inputs, name)?].node);
    Ok(IntTensor::new(ty.shape.clone(), ty.elem, values)?)
}
