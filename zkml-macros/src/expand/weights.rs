//! The struct of a model's weights.
//!
//! It lies beside the module, not in it, for its fields name the user's paths (`block::Weights`), which mean something
//! here only; the module reaches it through a trait.

use super::names::{full_type, owned_bundle, private};
use crate::model::{Model, ParamKind};
use proc_macro2::TokenStream;
use quote::quote;

pub(super) fn weights(model: &Model) -> TokenStream {
    let p = private(model);
    let Model { ident, cfgs, .. } = model;
    let weights: Vec<_> = model.params.iter().filter(|p| !matches!(p.kind, ParamKind::Tensor(_))).collect();
    let names: Vec<_> = weights.iter().map(|w| &w.ident).collect();
    let segments = weights.iter().map(|w| &w.segment);
    let types = weights.iter().map(|w| match &w.kind {
        ParamKind::Tensor(t) | ParamKind::Weight(t) => full_type(model, "Weight", t),
        ParamKind::Weights(b) => owned_bundle(b),
    });
    let doc = format!("The weights of `{ident}`.");
    quote! {
        #(#cfgs)*
        #[allow(non_local_definitions)]
        const _: () = {
            #[doc = #doc]
            #[derive(Clone, Debug)]
            #[allow(missing_docs)]
            pub struct Weights {
                #(pub #names: #types,)*
            }

            #[automatically_derived]
            impl #p::WeightSet for Weights {
                fn collect(&self, path: &str, into: &mut #p::NamedTensors) {
                    #(#p::WeightSet::collect(&self.#names, &#p::join(path, #segments), into);)*
                    let _ = (path, into);
                }
            }

            #[automatically_derived]
            impl #p::HasWeights for #ident::Model {
                type Weights = Weights;
            }
        };
    }
}
