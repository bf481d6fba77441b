//! Elaborates a model with its default dimensions and puts what is wrong where it was written.

use crate::error::Errors;
use crate::model::Model;
use quote::ToTokens;
use zkml_ir::graph::Graph;
use zkml_ir::lang::{elaborate, DecodeError, Module};

/// Gives the model its callees, in order; `Err` names what is wrong with one.
pub(crate) fn link(model: &mut Model, callees: &[Vec<u8>], errors: &Errors) {
    for (callee, bytes) in model.module.callees.iter_mut().zip(callees) {
        match Module::decode(bytes) {
            Ok(m) => callee.module = Some(m),
            Err(DecodeError::Poisoned) => {}
            Err(e) => errors.at(&model.ident, format!("`{}` cannot be called: {e}", callee.path)),
        }
    }
}

/// The graph, or `None` if something is wrong here or in a callee.
pub(crate) fn check(model: &Model, errors: &Errors) -> Option<Graph> {
    match elaborate(&model.module, &[]) {
        Ok(graph) => Some(graph),
        Err(diagnostics) => {
            for d in diagnostics {
                let at = model.origins.get(d.origin).cloned().unwrap_or(model.ident.to_token_stream());
                errors.at(at, &d);
            }
            None
        }
    }
}
