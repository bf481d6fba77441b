//! ONNX files as zkml models.
//!
//! ```text
//! model.onnx  read  ->  Net      every shape known, constants computed
//!             fuse  ->  Net      what an exporter split, together again
//!             lift  ->  Program  calls of zkml's ops
//!                                |-> rust()      a `#[zk_model]` function
//!                                '-> instance()  the same graph, at run time
//! ```
//!
//! The file is read by [`prost`] over the schema's messages, of which [`proto`] declares what is needed: no compiler for schemas, no
//! inference engine. `tract-onnx` and `onnx-ir` were weighed. Both rewrite a graph for their own purposes (tract to its
//! execution plan, onnx-ir to burn's nodes) and lose names and structure that a reader wants to find again; both bring a
//! runtime of their own. What they save is shape inference, which an op's entry here says in a line or two.

pub mod fuse;
pub mod lift;
pub mod names;
pub mod net;
pub mod ops;
pub mod program;
pub mod proto;
pub mod read;
pub mod samples;
pub mod tensor;

pub mod compare;
mod error;
mod import;
mod roll;
mod rust;
mod tune;

pub use error::{ImportError, Problem, Refusal};
pub use import::{import, import_bytes, Import};
pub use lift::Widths;
pub use program::Program;
pub use read::Options;
pub use rust::rust;
