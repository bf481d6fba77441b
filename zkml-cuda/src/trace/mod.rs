//! A model's run on the device: the integers of its nodes, the cells that they commit, how often tables are looked up.
//!
//! Nodes with a [`Recipe`] are computed here (`ops`); others on the CPU, from arguments that are downloaded, so that every model
//! can be proven. A run that the CPU would refuse is refused: by the CPU, which says why.
//!
//! * `tracer`: the walk over the graph; `ops`: launches; `count`: multiplicities.

mod count;
pub mod ops;
mod tracer;

pub(crate) use count::{count, RawEntry};
pub(crate) use tracer::{check, placed};
pub use tracer::{DeviceTrace, Source, TraceError, Tracer};

use crate::Kernels;

pub(crate) const KERNELS: Kernels =
    Kernels { file: "trace.cu", source: include_str!("../../kernels/trace.cu") };
