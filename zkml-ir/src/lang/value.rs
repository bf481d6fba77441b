//! What an expression is during elaboration.

use super::ast::{Module, Origin};
use crate::elem::Elem;
use crate::graph::NodeId;
use crate::shape::Shape;
use std::rc::Rc;

/// A declared type with its dimensions resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub elem: Elem,
    pub shape: Shape,
}

#[derive(Clone, Debug)]
pub(super) enum Value<'m> {
    Tensor(NodeId),
    Int(i64),
    Real(f64),
    Bool(bool),
    Range(i64, i64),
    List(Vec<i64>),
    Tuple(Vec<Value<'m>>),
    Weights(Rc<WeightSet<'m>>),
    /// An array of weight sets.
    Array(Vec<Value<'m>>),
    /// The result of a mistake that is reported.
    Poison,
}

/// The weights of one instance of a callee. Their shapes are known when it is called.
#[derive(Debug)]
pub(super) struct WeightSet<'m> {
    /// `None` where the callee failed to compile.
    pub module: Option<&'m Module>,
    /// How messages name the callee.
    pub model: String,
    /// In files: `h.0`.
    pub path: String,
    /// In the source: `blocks[0]`.
    pub shown: String,
    pub origin: Origin,
}

impl Value<'_> {
    /// For messages: what it is, with an article.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Tensor(_) => "a tensor",
            Value::Int(_) => "an integer",
            Value::Real(_) => "a real number",
            Value::Bool(_) => "a boolean",
            Value::Range(..) => "a range",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::Weights(_) => "a model's weights",
            Value::Array(_) => "an array of weights",
            Value::Poison => "a mistake",
        }
    }

    pub fn is_poison(&self) -> bool {
        match self {
            Value::Poison => true,
            Value::Tuple(items) => items.iter().any(Value::is_poison),
            _ => false,
        }
    }
}
