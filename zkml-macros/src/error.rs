//! Collects mistakes.

use quote::ToTokens;
use std::cell::RefCell;

/// Every mistake of one model. Dropping it without [`Errors::finish`] is a bug that would hide them.
pub(crate) struct Errors(RefCell<Option<Vec<syn::Error>>>);

impl Errors {
    pub fn new() -> Self {
        Self(RefCell::new(Some(vec![])))
    }

    /// At all of `tokens`: `Spanned::span` would shrink to the first on stable.
    pub fn at(&self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub fn push(&self, e: syn::Error) {
        self.0.borrow_mut().as_mut().expect("finished once").push(e);
    }

    pub fn is_empty(&self) -> bool {
        self.0.borrow().as_ref().is_some_and(Vec::is_empty)
    }

    /// All mistakes as one error.
    pub fn finish(self) -> syn::Result<()> {
        let errors = self.0.borrow_mut().take().expect("finished once");
        match errors.into_iter().reduce(|mut a, b| {
            a.combine(b);
            a
        }) {
            Some(e) => Err(e),
            None => Ok(()),
        }
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.borrow().is_none(), "mistakes were not looked at");
    }
}
