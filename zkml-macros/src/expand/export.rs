//! The model's macro, by which callers get its symbolic IR.

use crate::model::Model;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};
use std::hash::{DefaultHasher, Hash, Hasher};
use syn::{Attribute, Visibility};

pub(super) fn export(model: &Model, ir: &[u8]) -> TokenStream {
    definition(&model.vis, &model.ident, &model.cfgs, ir)
}

/// For a model without a usable signature: callers find it, and report nothing.
pub(super) fn poisoned(vis: &Visibility, ident: &Ident) -> TokenStream {
    definition(vis, ident, &[], &[])
}

/// A hidden `macro_rules!` and a `use` that gives it the model's name and visibility: one `use layers::block` brings
/// function, module and macro.
fn definition(vis: &Visibility, ident: &Ident, cfgs: &[Attribute], ir: &[u8]) -> TokenStream {
    // Exported macros share the crate's root: the position tells models of one name apart.
    let mut hash = DefaultHasher::new();
    ident.to_string().hash(&mut hash);
    ir.hash(&mut hash);
    position(ident).hash(&mut hash);
    let hidden = format_ident!("__zkml_{}_{:016x}", ident, hash.finish());
    let export = matches!(vis, Visibility::Public(_)).then(|| quote!(#[macro_export]));
    let ir = Literal::byte_string(ir);
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_local_definitions, unused_macros)]
        #export
        macro_rules! #hidden {
            ({$($callback:tt)*} $($state:tt)*) => {
                $($callback)* ! { $($state)* #ir }
            };
        }
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(unused_imports)]
        #vis use #hidden as #ident;
    }
}

/// Line and column, where there is a compiler to ask.
fn position(ident: &Ident) -> Option<(usize, usize)> {
    let span: Span = ident.span();
    proc_macro::is_available().then(|| {
        let span = span.unwrap();
        (span.line(), span.column())
    })
}
