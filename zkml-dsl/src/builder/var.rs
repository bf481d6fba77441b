//! Handles of tensors.

use super::{BuildError, Builder};
use zkml_ir::graph::NodeId;

/// A tensor of the model that a [`Builder`] builds. Another builder refuses it ([`BuildError::Foreign`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var {
    builder: u64,
    node: NodeId,
}

impl Var {
    pub(super) fn new(builder: &Builder, node: NodeId) -> Self {
        Self { builder: builder.id, node }
    }

    /// Its node, if it is of this builder; `place` says in a message where it was given.
    pub(super) fn node_of(self, b: &Builder, place: impl FnOnce() -> String) -> Result<NodeId, BuildError> {
        match self.builder == b.id {
            true => Ok(self.node),
            false => Err(BuildError::Foreign { place: place() }),
        }
    }
}

/// One tensor or several, in the order of an op's signature.
pub trait Operands {
    fn vars(&self) -> &[Var];
}

impl Operands for Var {
    fn vars(&self) -> &[Var] {
        std::slice::from_ref(self)
    }
}

impl<const N: usize> Operands for [Var; N] {
    fn vars(&self) -> &[Var] {
        self
    }
}

impl Operands for Vec<Var> {
    fn vars(&self) -> &[Var] {
        self
    }
}

impl Operands for &[Var] {
    fn vars(&self) -> &[Var] {
        self
    }
}
