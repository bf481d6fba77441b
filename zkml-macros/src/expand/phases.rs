//! The two phases.

use super::{api, export, function, implement, weights};
use crate::check::{check, link};
use crate::model::Model;
use crate::parse::parse;
use crate::report;
use proc_macro2::TokenStream;
use quote::{quote, ToTokens};
use syn::parse::{Parse, ParseStream};
use syn::{braced, LitByteStr};

/// `#[zk_model]`
pub(crate) fn first_phase(args: TokenStream, item: TokenStream) -> TokenStream {
    let parsed = parse(args.clone(), item.clone());
    let Some(model) = parsed.model else {
        let error = parsed.errors.finish().expect_err("a model is missing for a reason").into_compile_error();
        return match parsed.function {
            Some(f) => {
                // Inside an `impl`, where it cannot stand, there are no items but functions.
                let free = f.sig.receiver().is_none();
                let poisoned = free.then(|| export::poisoned(&f.vis, &f.sig.ident));
                let fallback = function::fallback(&f);
                quote!(#error #fallback #poisoned)
            }
            None => quote!(#error #item),
        };
    };
    // With callees, types come later: what is wrong with the syntax already stops here.
    if model.callees.is_empty() || !parsed.errors.is_empty() {
        let graph = if model.callees.is_empty() { check(&model, &parsed.errors) } else { None };
        let error = parsed.errors.finish().err();
        let fine = error.is_none();
        let front = front(&model, fine);
        let error = error.map(syn::Error::into_compile_error);
        let back = back(&model, graph.filter(|_| fine));
        return quote!(#error #front #back);
    }
    let front = front(&model, true);
    let state = quote!({#args} {#item});
    let asks = parsed.errors.finish().map(|()| ask(&model, 0, state)).unwrap_or_default();
    quote!(#front #asks)
}

/// `elaborate! { {args} {item} b"ir of callee 0" b"ir of callee 1" .. }`
pub(crate) fn second_phase(input: TokenStream) -> TokenStream {
    let state: State = match syn::parse2(input) {
        Ok(s) => s,
        Err(e) => return e.into_compile_error(),
    };
    let parsed = parse(state.args.clone(), state.item.clone());
    let Some(mut model) = parsed.model else {
        return parsed.errors.finish().err().map(syn::Error::into_compile_error).unwrap_or_default();
    };
    if state.callees.len() < model.callees.len() {
        let asks = ask(&model, state.callees.len(), state.into_token_stream());
        return parsed.errors.finish().map_or_else(syn::Error::into_compile_error, |()| asks);
    }
    let irs: Vec<_> = state.callees.iter().map(LitByteStr::value).collect();
    link(&mut model, &irs, &parsed.errors);
    let graph = check(&model, &parsed.errors);
    let error = parsed.errors.finish().err();
    let back = back(&model, graph.filter(|_| error.is_none()));
    let error = error.map(syn::Error::into_compile_error);
    quote!(#error #back)
}

/// What needs no callee: the function, the module, its types.
fn front(model: &Model, fine: bool) -> TokenStream {
    let function = function::function(model, fine);
    let module = api::module(model);
    let weights = weights::weights(model);
    quote!(#function #module #weights)
}

/// What needs the graph: the implementation and the macro for callers. Without a graph the IR is empty, so that callers
/// report nothing.
fn back(model: &Model, graph: Option<zkml_ir::graph::Graph>) -> TokenStream {
    let ir = graph.as_ref().map(|_| model.module.encode()).unwrap_or_default();
    let report = graph.map(|g| report::emit(&g, model.options.report)).unwrap_or_default();
    let implementation = implement::implement(model, &ir, &report);
    let export = export::export(model, &ir);
    quote!(#implementation #export)
}

/// Asks the next callee for its IR.
fn ask(model: &Model, next: usize, state: TokenStream) -> TokenStream {
    let (krate, cfgs, callee) = (&model.options.krate, &model.cfgs, &model.callees[next]);
    quote! {
        #(#cfgs)*
        #callee! { {#krate::__private::elaborate} #state }
    }
}

struct State {
    args: TokenStream,
    item: TokenStream,
    callees: Vec<LitByteStr>,
}

impl Parse for State {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let (args, item);
        braced!(args in input);
        braced!(item in input);
        let (args, item) = (args.parse()?, item.parse()?);
        let mut callees = vec![];
        while !input.is_empty() {
            callees.push(input.parse()?);
        }
        Ok(Self { args, item, callees })
    }
}

impl ToTokens for State {
    fn to_tokens(&self, out: &mut TokenStream) {
        let Self { args, item, callees } = self;
        out.extend(quote!({#args} {#item} #(#callees)*));
    }
}
