//! What is wrong with a model that is built at run time.

use std::fmt;
use thiserror::Error;
use zkml_ir::graph::{GraphBuilder, NodeId};
use zkml_ir::ops::{At, Call, OpDef, OpError};
use zkml_ir::shape::ShapeError;

/// What was refused. Nothing was added to the model.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// By the op's signature or its rules.
    #[error(transparent)]
    Call(#[from] Box<CallError>),
    #[error("unknown op `{op}`{}", nearest.map(|n| format!("\n  help: did you mean `{n}`?")).unwrap_or_default())]
    UnknownOp { op: String, nearest: Option<&'static str> },
    #[error("`{argument}` of `{op}` is given twice")]
    GivenTwice { op: &'static str, argument: String },
    #[error("`{op}` gives {got} tensors, not {expected}")]
    Results { op: &'static str, expected: usize, got: usize },
    #[error("{place} is a tensor of another builder")]
    Foreign { place: String },
    #[error("{what} `{name}`: {source}")]
    Shape { what: Declared, name: String, source: ShapeError },
    #[error(
        "{what} `{name}` is an `Acc`, which is never stored\n  help: give it a sized type: I8, I12, I16, I24 or U8"
    )]
    Acc { what: Declared, name: String },
    #[error("there are two {what}s `{name}`")]
    SameName { what: Declared, name: String },
    #[error("an empty name of {what}")]
    NoName { what: Declared },
    #[error("model `{model}` has no outputs")]
    NoOutputs { model: String },
    /// Inputs and weights: a verifier would take them for part of the computation.
    #[error("{}", unused(.0))]
    Unused(Vec<(Declared, String)>),
}

/// What a model declares by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    Input,
    Weight,
    Output,
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Weight => "weight",
            Self::Output => "output",
        })
    }
}

fn unused(all: &[(Declared, String)]) -> String {
    all.iter().map(|(what, name)| format!("{what} `{name}` is never used")).collect::<Vec<_>>().join("\n")
}

/// A refused call of an op: what the macro says of it, and instead of the place in the source the node's path.
#[derive(Clone, Debug, Error, PartialEq)]
pub struct CallError {
    pub op: &'static str,
    /// The path that the node would have had.
    pub path: String,
    /// The argument that it is about, with its type if it is a tensor: `` `w`, I8 [768, 10] ``.
    pub argument: Option<String>,
    pub error: OpError,
}

impl CallError {
    pub(super) fn new(graph: &GraphBuilder, op: &dyn OpDef, call: &Call, error: OpError) -> Box<Self> {
        let typed = |name: &str, node: Option<NodeId>| match node.map(|node| graph.ty(node)) {
            Some(ty) => format!("`{name}`, {} {}", ty.elem, ty.shape),
            None => format!("`{name}`"),
        };
        let argument = match &error.at {
            At::Op | At::Call => None,
            At::Turbofish => call.elem.map(|e| format!("`{e}`")),
            At::Named(name) => Some(typed(name, call.tensor(name))),
            At::Tensor(i) => {
                let number = format!("argument {}", i + 1);
                let name = op.signature().tensors.get(*i).copied().map_or(number, str::to_owned);
                Some(typed(&name, call.tensors.get(*i).copied()))
            }
        };
        Box::new(Self { op: op.name(), path: call.name.clone(), argument, error })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpError { message, notes, help, .. } = &self.error;
        f.write_str(message)?;
        notes.iter().try_for_each(|n| write!(f, "\n  {n}"))?;
        write!(f, "\n  at `{}`, `{}`", self.op, self.path)?;
        self.argument.iter().try_for_each(|a| write!(f, ": {a}"))?;
        help.iter().try_for_each(|h| write!(f, "\n  help: {h}"))
    }
}
