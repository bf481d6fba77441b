//! Tokens to [`Model`].

mod attr;
mod body;
mod expr;
mod item;
mod refuse;
mod types;

use crate::error::Errors;
use crate::model::{Model, Origins};
use proc_macro2::TokenStream;
use syn::{Ident, ItemFn, Path};
use zkml_ir::lang::Callee;

/// What parsing made of an item.
pub(crate) struct Parsed {
    /// `None` if the signature could not be understood. With errors, the body holds poison in their places.
    pub model: Option<Model>,
    /// The function, if it is one.
    pub function: Option<ItemFn>,
    pub errors: Errors,
}

pub(crate) fn parse(args: TokenStream, item: TokenStream) -> Parsed {
    let errors = Errors::new();
    let function = match syn::parse2::<ItemFn>(item) {
        Ok(f) => f,
        Err(e) => {
            errors.push(e);
            return Parsed { model: None, function: None, errors };
        }
    };
    let args = match syn::parse2::<attr::Args>(args) {
        Ok(a) => a,
        Err(e) => {
            errors.push(e);
            return Parsed { model: None, function: Some(function), errors };
        }
    };
    let mut cx = Context {
        errors: &errors,
        origins: Origins::default(),
        callees: vec![],
        paths: vec![],
        own: function.sig.ident.clone(),
    };
    let model = item::model(&mut cx, args, &function);
    Parsed { model, function: Some(function), errors }
}

/// What parsing collects on the way.
struct Context<'a> {
    errors: &'a Errors,
    origins: Origins,
    callees: Vec<Callee>,
    paths: Vec<Path>,
    /// The model's name.
    own: Ident,
}

impl Context<'_> {
    /// Index of a called model, which is written `path` in the source.
    fn callee(&mut self, path: &Path) -> usize {
        let text = show_path(path);
        if let Some(i) = self.callees.iter().position(|c| c.path == text) {
            return i;
        }
        self.callees.push(Callee { path: text, module: None });
        self.paths.push(path.clone());
        self.paths.len() - 1
    }

    /// Whether `path` is the model itself; a model that calls itself would never end.
    fn is_own(&self, path: &Path) -> bool {
        let names: Vec<_> = path.segments.iter().map(|s| &s.ident).collect();
        match names.as_slice() {
            [one] => **one == self.own,
            [first, last] => *first == "self" && **last == self.own,
            _ => false,
        }
    }
}

/// `layers::block`
fn show_path(path: &Path) -> String {
    let colons = if path.leading_colon.is_some() { "::" } else { "" };
    let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    format!("{colons}{}", names.join("::"))
}
