//! `impl ZkModel`.

use super::names::private;
use crate::model::Model;
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::path::PathBuf;

pub(super) fn implement(model: &Model, ir: &[u8], report: &[PathBuf]) -> TokenStream {
    let p = private(model);
    let Model { ident, cfgs, .. } = model;
    let name = ident.to_string();
    let ir = Literal::byte_string(ir);
    // A deleted report is written again, and what silences or scales it is a dependency.
    let report = report.iter().filter_map(|path| path.to_str()).map(|path| {
        quote!(
            const _: &[u8] = include_bytes!(#path);
        )
    });
    quote! {
        #(#cfgs)*
        #[allow(non_local_definitions)]
        const _: () = {
            #[automatically_derived]
            impl #p::ZkModel for #ident::Model {
                const NAME: &'static str = #name;
                const IR: &'static [u8] = #ir;

                fn register(
                    dims: &[(&'static str, usize)],
                ) -> ::core::result::Result<::std::vec::Vec<#p::Component>, #p::Error> {
                    #p::register(Self::IR, dims)
                }

                fn generate_trace(
                    &self,
                    inputs: &[#p::IntTensor],
                ) -> ::core::result::Result<#p::Trace, #p::Error> {
                    #p::generate_trace(::core::convert::AsRef::as_ref(self), inputs)
                }
            }

            #(#report)*
            const _: ::core::option::Option<&str> = option_env!("ZKML_REPORT");
            const _: ::core::option::Option<&str> = option_env!("ZKML_MACHINE");
        };
    }
}
