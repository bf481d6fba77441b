//! The function itself: the plain integers.

use super::names::{borrowed_bundle, private, read_results};
use crate::model::{Model, ParamKind};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{FnArg, ItemFn};

/// `fn mlp(x: &Tensor<I8, 1, 784>, .., params: &Params) -> Result<Tensor<Acc, 1, 10>, Error>`
///
/// With a mistake in it the body is `unimplemented!()`: the signature is enough for those who call it.
pub(super) fn function(model: &Model, fine: bool) -> TokenStream {
    let p = private(model);
    let Model { vis, ident, cfgs, attrs, .. } = model;
    let names: Vec<_> = model.params.iter().map(|p| &p.ident).collect();
    let types = model.params.iter().map(|p| match &p.kind {
        ParamKind::Tensor(t) | ParamKind::Weight(t) => {
            let written = &t.written;
            quote!(&#written)
        }
        ParamKind::Weights(b) => borrowed_bundle(b),
    });
    let outputs: Vec<_> = model.outputs.iter().map(|o| &o.ty.written).collect();
    let output = match (outputs.as_slice(), model.module.returns.tuple) {
        ([one], false) => quote!(#one),
        _ => quote!((#(#outputs,)*)),
    };
    let weights = model.params.iter().filter_map(|p| {
        let (name, segment) = (&p.ident, &p.segment);
        (!matches!(p.kind, ParamKind::Tensor(_))).then(|| quote!((#segment, &#name)))
    });
    let inputs = model.params.iter().filter(|p| matches!(p.kind, ParamKind::Tensor(_))).map(|p| &p.ident);
    let read = read_results(model);
    // Mixed-site names cannot meet the user's.
    let params = syn::Ident::new("params", Span::mixed_site());
    let body = if fine {
        quote_spanned! {Span::mixed_site()=>
            <_ as ::core::convert::AsRef<#p::Instance>>::as_ref(#ident::__default()?).run(
                &[#(#p::AsInt::as_int(#inputs)),*],
                &[#(#weights),*],
                #params,
                #read,
            )
        }
    } else {
        quote! {
            let _ = (#(#names,)* #params);
            ::core::unimplemented!("this model does not compile")
        }
    };
    quote! {
        #(#cfgs)*
        #(#attrs)*
        #[allow(dead_code, clippy::too_many_arguments)]
        #vis fn #ident(#(#names: #types,)* #params: &#p::Params)
            -> ::core::result::Result<#output, #p::Error>
        {
            #body
        }
    }
}

/// A function whose signature is not a model's, as far as it is Rust.
pub(super) fn fallback(f: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, sig, .. } = f;
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        match input {
            FnArg::Typed(t) => t.attrs.clear(),
            FnArg::Receiver(r) => r.attrs.clear(),
        }
    }
    quote! {
        #(#attrs)*
        #[allow(unused_variables, unused_mut)]
        #vis #sig {
            ::core::unimplemented!("this model does not compile")
        }
    }
}
