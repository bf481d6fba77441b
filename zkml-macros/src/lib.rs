//! `#[zk_model]`: see `zkml_dsl` for the language.
//!
//! `parse` turns tokens into a [`model`], `check` elaborates it, `expand` writes the code and `report` the table. Parsing
//! and checking collect every mistake; expanding cannot fail.

mod check;
mod error;
mod expand;
mod model;
mod parse;
mod report;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a function over tensors a model that can be run, proven and verified.
#[proc_macro_attribute]
pub fn zk_model(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::first_phase(args.into(), item.into()).into()
}

/// The second half of a model that calls others, once they have handed over their symbolic IR.
#[doc(hidden)]
#[proc_macro]
pub fn elaborate(input: TokenStream) -> TokenStream {
    expand::second_phase(input.into()).into()
}
