//! The symbolic form of a model and its elaboration.
//!
//! `#[zk_model]` turns a function into a [`Module`]: dimensions by name, loops rolled, calls by name, every callee's
//! module beside it. [`elaborate`] turns a module and values for its dimensions into a concrete
//! [`Graph`](crate::graph::Graph): loops unrolled, calls inlined, every tensor typed. The macro does that once with the
//! default dimensions, to check and to report; the runtime does it again, with the same code, for the dimensions it is
//! asked for.

mod ast;
mod bind;
mod body;
mod call_model;
mod call_op;
mod diag;
mod dims;
mod elaborate;
mod expr;
mod params;
mod scope;
mod show;
mod suggest;
mod value;

pub use ast::{
    BinOp, Bundle, CallExpr, Callee, CalleeRef, Dim, Expr, ExprKind, Module, Name, Named, Origin, Param,
    ParamType, Pattern, Returns, Stmt, TensorSpec, TypeSpec,
};
pub use diag::Diagnostic;
pub use dims::DefaultDims;
pub use elaborate::elaborate;
pub use suggest::{edit_distance, nearest};

use thiserror::Error;

/// Version of the serialised form; a crate built with another version of the macro is refused by name.
const FORMAT: u8 = 1;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    #[error("the model failed to compile")]
    Poisoned,
    #[error("the model was expanded by another version of zkml (format {got}, expected {FORMAT})")]
    Version { got: u8 },
    #[error("the model's serialised form is damaged")]
    Damaged,
}

impl Module {
    pub fn encode(&self) -> Vec<u8> {
        let body = postcard::to_stdvec(self).expect("a module holds nothing that cannot be serialised");
        [&[FORMAT], body.as_slice()].concat()
    }

    /// The empty slice stands for a model that failed to compile.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes.split_first() {
            None => Err(DecodeError::Poisoned),
            Some((&FORMAT, body)) => postcard::from_bytes(body).map_err(|_| DecodeError::Damaged),
            Some((&got, _)) => Err(DecodeError::Version { got }),
        }
    }
}

#[cfg(test)]
mod tests;
