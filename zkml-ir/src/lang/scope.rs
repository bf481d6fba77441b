//! Names in scope while one model's body is elaborated.

use super::ast::{Module, Origin};
use super::value::Value;
use std::collections::HashMap;

#[derive(Clone, Debug)]
pub(super) struct Binding<'m> {
    pub value: Value<'m>,
    pub mutable: bool,
}

/// The elaboration of one call of one model.
pub(super) struct Frame<'m> {
    pub module: &'m Module,
    scopes: Vec<HashMap<&'m str, Binding<'m>>>,
    /// Path of the call for node names, with its final dot: `block[3].`.
    pub prefix: String,
    /// Values of the enclosing loops' variables.
    pub loops: Vec<i64>,
    /// Where the elaborated module calls, if this is a callee: its mistakes are reported there.
    pub call: Option<Origin>,
}

impl<'m> Frame<'m> {
    pub fn new(module: &'m Module, prefix: String, call: Option<Origin>) -> Self {
        Self { module, scopes: vec![HashMap::new()], prefix, loops: vec![], call }
    }

    pub fn enter(&mut self) {
        self.scopes.push(HashMap::new());
    }

    pub fn leave(&mut self) {
        self.scopes.pop();
    }

    pub fn bind(&mut self, name: &'m str, value: Value<'m>, mutable: bool) {
        self.scopes.last_mut().expect("one scope at least").insert(name, Binding { value, mutable });
    }

    pub fn get(&self, name: &str) -> Option<&Binding<'m>> {
        self.scopes.iter().rev().find_map(|s| s.get(name))
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Binding<'m>> {
        self.scopes.iter_mut().rev().find_map(|s| s.get_mut(name))
    }

    /// Every name in scope.
    pub fn names(&self) -> impl Iterator<Item = &'m str> + '_ {
        self.scopes.iter().flat_map(|s| s.keys().copied())
    }
}
