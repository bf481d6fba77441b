//! Types of generated items. Inside the model's module nothing of the user's is in scope: every path starts at the
//! crate.

use crate::model::{BundleTokens, Model, TypeTokens};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

/// `::zkml_dsl::__private`
pub(super) fn private(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    quote!(#krate::__private)
}

/// `::zkml_dsl::__private::Tensor<::zkml_dsl::__private::I8, 1, 784>`
pub(super) fn full_type(model: &Model, kind: &str, t: &TypeTokens) -> TokenStream {
    let p = private(model);
    let kind = Ident::new(kind, Span::call_site());
    let elem = Ident::new(t.elem.name(), Span::call_site());
    let dims = t.dims.iter().map(|&d| Literal::usize_unsuffixed(d));
    quote!(#p::#kind<#p::#elem #(, #dims)*>)
}

/// The owned form of a set of callee's weights: `Vec<block::Weights>`.
pub(super) fn owned_bundle(b: &BundleTokens) -> TokenStream {
    match b {
        BundleTokens::One(path) => quote!(#path),
        BundleTokens::Many(inner) => {
            let inner = owned_bundle(inner);
            quote!(::std::vec::Vec<#inner>)
        }
    }
}

/// As a parameter: `&[block::Weights]`.
pub(super) fn borrowed_bundle(b: &BundleTokens) -> TokenStream {
    match b {
        BundleTokens::One(path) => quote!(&#path),
        BundleTokens::Many(inner) => {
            let inner = owned_bundle(inner);
            quote!(&[#inner])
        }
    }
}

/// `|mut results| (results.tensor(), results.tensor())`
pub(super) fn read_results(model: &Model) -> TokenStream {
    let results = Ident::new("results", Span::mixed_site());
    let parts: Vec<_> = model.outputs.iter().map(|_| quote!(#results.tensor())).collect();
    match (parts.as_slice(), model.module.returns.tuple) {
        ([one], false) => quote!(|mut #results| #one),
        _ => quote!(|mut #results| (#(#parts,)*)),
    }
}
