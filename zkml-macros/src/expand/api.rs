//! The module of the model's name.

use super::names::{full_type, private, read_results};
use crate::model::{Model, ParamKind, ParamTokens, TypeTokens};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use zkml_ir::lang::DefaultDims;

pub(super) fn module(model: &Model) -> TokenStream {
    let Model { vis, ident, cfgs, .. } = model;
    let doc = format!("Proving, verifying and loading of the model [`{ident}`](fn@{ident}).");
    let items = [dims(model), files(model), instance(model), handle(model), functions(model)];
    quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[allow(missing_docs, dead_code, clippy::too_many_arguments, clippy::result_large_err)]
        #vis mod #ident {
            #(#items)*
        }
    }
}

/// `x: &Tensor<I8, 1, 784>` and `x.as_int()` for the inputs that `keep` picks.
struct Inputs<'a> {
    names: Vec<&'a Ident>,
    types: Vec<TokenStream>,
}

impl<'a> Inputs<'a> {
    fn new(model: &'a Model, keep: impl Fn(&ParamTokens) -> bool) -> Self {
        let tensors = model.params.iter().filter_map(|p| match &p.kind {
            ParamKind::Tensor(t) if keep(p) => Some((&p.ident, full_type(model, "Tensor", t))),
            _ => None,
        });
        let (names, types) = tensors.unzip();
        Self { names, types }
    }
}

/// The result's type: one tensor or a tuple.
fn output(model: &Model) -> TokenStream {
    let types: Vec<_> = model.outputs.iter().map(|o| full_type(model, "Tensor", &o.ty)).collect();
    match (types.as_slice(), model.module.returns.tuple) {
        ([one], false) => one.clone(),
        _ => quote!((#(#types,)*)),
    }
}

fn dims(model: &Model) -> TokenStream {
    let defaults = DefaultDims::new(&model.module.dims);
    let free: Vec<_> = model.module.free_dims().collect();
    let names: Vec<_> = free.iter().map(|n| Ident::new(n, Span::call_site())).collect();
    let values: Vec<_> = free.iter().map(|n| defaults.get(n).unwrap_or_default()).collect();
    quote! {
        /// The dimensions that can be set; the others follow from them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(non_snake_case)]
        pub struct Dims {
            #(pub #names: usize,)*
        }

        impl ::core::default::Default for Dims {
            fn default() -> Self {
                Self { #(#names: #values,)* }
            }
        }

        impl Dims {
            fn list(self) -> ::std::vec::Vec<(&'static str, usize)> {
                ::std::vec![#((#free, self.#names)),*]
            }
        }
    }
}

/// `Inputs` and `Outputs`, which files hold.
fn files(model: &Model) -> TokenStream {
    let p = private(model);
    let all = Inputs::new(model, |_| true);
    let outputs: Vec<_> = model.outputs.iter().map(|o| (&o.ident, &o.ty)).collect();
    let record = |name: &str, doc: &str, idents: &[&Ident], types: &[TokenStream]| {
        let name = Ident::new(name, Span::call_site());
        let texts = idents.iter().map(|i| i.to_string());
        quote! {
            #[doc = #doc]
            #[derive(Clone, Debug)]
            pub struct #name {
                #(pub #idents: #types,)*
            }

            impl #p::Record for #name {
                fn to_tensors(&self) -> ::std::vec::Vec<(&'static str, &#p::IntTensor)> {
                    ::std::vec![#((#texts, #p::AsInt::as_int(&self.#idents))),*]
                }

                fn from_tensors(
                    tensors: &mut dyn #p::Source,
                ) -> ::core::result::Result<Self, #p::Error> {
                    ::core::result::Result::Ok(Self {
                        #(#idents: #p::read(tensors, ::core::stringify!(#idents))?,)*
                    })
                }
            }
        }
    };
    let (out_names, out_types): (Vec<_>, Vec<&TypeTokens>) = outputs.into_iter().unzip();
    let out_types: Vec<_> = out_types.iter().map(|t| full_type(model, "Tensor", t)).collect();
    let inputs = record("Inputs", "The data inputs by name.", &all.names, &all.types);
    let outputs = record("Outputs", "The outputs by name.", &out_names, &out_types);
    quote!(#inputs #outputs)
}

/// What `with` gives: the model at other dimensions.
fn instance(model: &Model) -> TokenStream {
    let p = private(model);
    let public = Inputs::new(model, |p| !p.private);
    let all = Inputs::new(model, |_| true);
    let (names, types) = (&public.names, &public.types);
    let all_names = &all.names;
    let statement = model.params.iter().filter(|p| matches!(p.kind, ParamKind::Tensor(_))).map(|input| {
        let name = &input.ident;
        if input.private {
            quote!(::core::option::Option::None)
        } else {
            quote!(::core::option::Option::Some(#p::AsInt::as_int(#name)))
        }
    });
    let output = output(model);
    let out_names: Vec<_> = model.outputs.iter().map(|o| &o.ident).collect();
    let result = Ident::new("output", Span::mixed_site());
    let parts: Vec<_> = match model.module.returns.tuple {
        true => (0..out_names.len()).map(syn::Index::from).map(|i| quote!(&#result.#i)).collect(),
        false => vec![quote!(#result)],
    };
    quote_spanned! {Span::mixed_site()=>
        /// The model at given dimensions.
        #[derive(Clone, Debug)]
        pub struct Instance(#p::Instance);

        impl ::core::convert::AsRef<#p::Instance> for Instance {
            fn as_ref(&self) -> &#p::Instance {
                &self.0
            }
        }

        impl Instance {
            /// The concrete graph.
            pub fn graph(&self) -> &#p::Graph {
                self.0.graph()
            }

            /// The same model, set up for proofs of this level; keys carry it.
            pub fn at_level(self, level: #p::SecurityLevel) -> Self {
                Self(self.0.at_level(level))
            }

            /// The same model, set up and proven there.
            pub fn on(self, backend: #p::Backend) -> Self {
                Self(self.0.on(backend))
            }

            /// The plain integers, no proof.
            pub fn run(
                &self,
                inputs: &Inputs,
                weights: &Weights,
                params: &#p::Params,
            ) -> ::core::result::Result<Outputs, #p::Error> {
                self.0.run(
                    &[#(#p::AsInt::as_int(&inputs.#all_names)),*],
                    &[("", weights)],
                    params,
                    |mut results| Outputs { #(#out_names: results.tensor(),)* },
                )
            }

            /// Commits integer weights: prover key and verifier key.
            pub fn setup(
                &self,
                weights: &Weights,
                params: #p::Params,
            ) -> ::core::result::Result<Model, #p::Error> {
                self.0.setup(weights, params).map(Model)
            }

            /// From a model file.
            pub fn load(
                &self,
                path: impl ::core::convert::AsRef<::std::path::Path>,
            ) -> ::core::result::Result<Model, #p::Error> {
                self.0.load(path.as_ref()).map(Model)
            }

            /// From float weights, with scales that fit the samples: each has one tensor for each input.
            pub fn calibrate(
                &self,
                weights: &#p::FloatWeights,
                samples: &[::std::vec::Vec<#p::FloatTensor>],
            ) -> ::core::result::Result<Model, #p::Error> {
                self.0.calibrate(weights, samples).map(Model)
            }

            /// Checks a proof: no weights, no re-execution.
            pub fn verify(
                &self,
                key: &#p::VerifierKey,
                #(#names: &#types,)*
                #result: &#output,
                proof: &#p::Proof,
            ) -> ::core::result::Result<(), #p::Error> {
                self.0.verify(key, &[#(#statement),*], &[#(#p::AsInt::as_int(#parts)),*], proof)
            }
        }
    }
}

/// `Model`: weights, parameters and keys.
fn handle(model: &Model) -> TokenStream {
    let p = private(model);
    let all = Inputs::new(model, |_| true);
    let (names, types) = (&all.names, &all.types);
    let output = output(model);
    let read = read_results(model);
    quote_spanned! {Span::mixed_site()=>
        /// The model with its weights, ready to prove.
        pub struct Model(#p::Model);

        impl Model {
            /// Runs the model and proves it.
            pub fn prove(
                &self,
                #(#names: &#types,)*
            ) -> ::core::result::Result<(#output, #p::Proof), #p::Error> {
                #p::prove(&self.0, &[#(#p::AsInt::as_int(#names)),*], #read)
            }

            /// The same integers, no proof.
            pub fn run(&self, #(#names: &#types,)*) -> ::core::result::Result<#output, #p::Error> {
                #p::run_model(&self.0, &[#(#p::AsInt::as_int(#names)),*], #read)
            }

            /// What a verifier needs, beside graph, public values and proof.
            pub fn verifier_key(&self) -> #p::VerifierKey {
                self.0.verifier_key()
            }

            /// Writes the model file that `load` reads.
            pub fn save(
                &self,
                path: impl ::core::convert::AsRef<::std::path::Path>,
            ) -> ::core::result::Result<(), #p::Error> {
                #p::save(&self.0, path.as_ref())
            }
        }

        impl ::core::convert::AsRef<#p::Model> for Model {
            fn as_ref(&self) -> &#p::Model {
                &self.0
            }
        }

        /// The weights.
        pub type Weights = <Model as #p::HasWeights>::Weights;
    }
}

/// The free functions: the model at its default dimensions.
fn functions(model: &Model) -> TokenStream {
    let p = private(model);
    let public = Inputs::new(model, |p| !p.private);
    let (names, types) = (&public.names, &public.types);
    let output = output(model);
    let result = Ident::new("output", Span::mixed_site());
    quote_spanned! {Span::mixed_site()=>
        /// The model at other dimensions. Tensors of its types then have other shapes than their types say; every value
        /// carries its own, and a wrong one is an error.
        pub fn with(dims: Dims) -> ::core::result::Result<Instance, #p::Error> {
            // Where a callee is not found there is no second phase; its absence is the one error to report.
            #[allow(unused_imports)]
            use #p::{Expanded as _, Unexpanded as _};
            #p::Instance::new((&#p::Ir::<Model>::new()).ir(), &dims.list()).map(Instance)
        }

        /// Elaborated once.
        #[doc(hidden)]
        pub fn __default() -> ::core::result::Result<&'static Instance, #p::Error> {
            static DEFAULT: ::std::sync::OnceLock<Instance> = ::std::sync::OnceLock::new();
            match DEFAULT.get() {
                ::core::option::Option::Some(instance) => ::core::result::Result::Ok(instance),
                ::core::option::Option::None => {
                    let instance = with(Dims::default())?;
                    ::core::result::Result::Ok(DEFAULT.get_or_init(|| instance))
                }
            }
        }

        /// The plain integers, no proof.
        pub fn run(
            inputs: &Inputs,
            weights: &Weights,
            params: &#p::Params,
        ) -> ::core::result::Result<Outputs, #p::Error> {
            __default()?.run(inputs, weights, params)
        }

        /// Commits integer weights: prover key and verifier key.
        pub fn setup(
            weights: &Weights,
            params: #p::Params,
        ) -> ::core::result::Result<Model, #p::Error> {
            __default()?.setup(weights, params)
        }

        /// From a model file.
        pub fn load(
            path: impl ::core::convert::AsRef<::std::path::Path>,
        ) -> ::core::result::Result<Model, #p::Error> {
            __default()?.load(path)
        }

        /// From float weights, with scales that fit the samples: each has one tensor for each input.
        pub fn calibrate(
            weights: &#p::FloatWeights,
            samples: &[::std::vec::Vec<#p::FloatTensor>],
        ) -> ::core::result::Result<Model, #p::Error> {
            __default()?.calibrate(weights, samples)
        }

        /// Checks a proof: no weights, no re-execution.
        pub fn verify(
            key: &#p::VerifierKey,
            #(#names: &#types,)*
            #result: &#output,
            proof: &#p::Proof,
        ) -> ::core::result::Result<(), #p::Error> {
            __default()?.verify(key, #(#names,)* #result, proof)
        }
    }
}
