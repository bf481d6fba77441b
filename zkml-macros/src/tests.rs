//! What the expansion contains; whole snapshots would say nothing about why.

use crate::expand::{first_phase, second_phase};
use crate::report;
use proc_macro2::TokenStream;
use quote::quote;
use zkml_ir::lang::Module;

/// Formatted, without blanks at line ends, so that `contains` can be asked.
fn pretty(tokens: TokenStream) -> String {
    let text = tokens.to_string();
    let file = syn::parse2(tokens).unwrap_or_else(|e| panic!("{e}\n{text}"));
    prettyplease::unparse(&file)
}

fn mlp() -> String {
    pretty(first_phase(
        quote!(H = 256, report = off),
        quote! {
            /// Two layers.
            #[cfg(feature = "mlp")]
            pub(crate) fn mlp(
                #[private] x: Tensor<I8, 1, 784>,
                #[name = "fc.weight"] w1: Weight<I8, 784, { H }>,
                w2: zk::Weight<I8, H, 10>,
            ) -> Tensor<Acc, 1, 10> {
                matmul(relu(quantize_int8(matmul(x, w1))), w2)
            }
        },
    ))
}

#[track_caller]
fn has(text: &str, part: &str) {
    let squeeze = |s: &str| {
        s.split_whitespace().collect::<String>().replace(",)", ")").replace(",>", ">").replace(",}", "}")
    };
    assert!(squeeze(text).contains(&squeeze(part)), "no `{part}` in\n{text}");
}

#[test]
fn the_function_has_the_users_types_with_numbers() {
    let text = mlp();
    has(&text, "/// Two layers.");
    has(
        &text,
        "pub(crate) fn mlp(x: &Tensor<I8, 1, 784>, w1: &Weight<I8, 784, 256>, w2: &zk::Weight<I8, 256, 10>, \
         params: &::zkml_dsl::__private::Params) \
         -> ::core::result::Result<Tensor<Acc, 1, 10>, ::zkml_dsl::__private::Error>",
    );
}

#[test]
fn attributes_and_visibility_carry_over() {
    let text = mlp();
    has(&text, "#[cfg(feature = \"mlp\")] /// Proving, verifying");
    has(&text, "pub(crate) mod mlp {");
    assert!(!text.contains("macro_export"));
    // The function, its module, the weights, the implementation, the macro and its name.
    assert_eq!(text.matches("#[cfg(feature = \"mlp\")]").count(), 6);
}

#[test]
fn the_module_names_private_paths_only() {
    let text = mlp();
    has(&text, "pub fn prove(&self, x: &::zkml_dsl::__private::Tensor<::zkml_dsl::__private::I8, 1, 784>)");
    has(&text, "pub struct Dims { pub H: usize }");
    // A private input is no part of the statement.
    has(&text, "pub fn verify(key: &::zkml_dsl::__private::VerifierKey, output: &");
    has(&text, "::core::option::Option::None");
    has(&text, "::zkml_dsl::__private::join(path, \"fc.weight\")");
}

#[test]
fn the_ir_is_one_literal() {
    let text = mlp();
    has(&text, "impl ::zkml_dsl::__private::ZkModel for mlp::Model");
    has(&text, "const NAME: &'static str = \"mlp\"; const IR: &'static [u8] = b\"");
    has(&text, "option_env!(\"ZKML_REPORT\")");
}

#[test]
fn a_crate_elsewhere() {
    let text = pretty(first_phase(
        quote!(crate = my::zk, report = off),
        quote!(
            fn id(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
                relu(x)
            }
        ),
    ));
    assert!(!text.contains("zkml_dsl"), "{text}");
    has(&text, "impl my::zk::__private::ZkModel for id::Model");
}

#[test]
fn public_models_export_their_macro() {
    let text = pretty(first_phase(
        quote!(report = off),
        quote!(
            pub fn id(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
                relu(x)
            }
        ),
    ));
    has(&text, "#[macro_export] macro_rules! __zkml_id_");
    has(&text, "pub use __zkml_id_");
    has(&text, "($($callback)* ! { $($state)* b\"".trim_start_matches('('));
}

fn layer_ir() -> (TokenStream, Vec<u8>) {
    let item = quote!(
        fn layer(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
            relu(x)
        }
    );
    let mut parsed = crate::parse::parse(quote!(), item);
    let ir = parsed.model.take().expect("a model").module.encode();
    parsed.errors.finish().unwrap();
    let literal = proc_macro2::Literal::byte_string(&ir);
    (quote!(#literal), ir)
}

#[test]
fn a_caller_asks_each_callee() {
    let item = quote!(
        fn top(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
            other::second(layer(layer(x)))
        }
    );
    let text = pretty(first_phase(quote!(report = off), item.clone()));
    has(&text, "fn top(");
    has(&text, "other::second! { { ::zkml_dsl::__private::elaborate } { report = off } {");
    assert!(!text.contains("ZkModel for"));
    let (first, _) = layer_ir();
    let text = pretty(second_phase(quote!({ report = off } { #item } #first)));
    has(&text, "layer! { { ::zkml_dsl::__private::elaborate } { report = off } {");
    let text = pretty(second_phase(quote!({ report = off } { #item } #first #first)));
    has(&text, "impl ::zkml_dsl::__private::ZkModel for top::Model");
}

#[test]
fn a_failed_callee_fails_its_callers_silently() {
    let item = quote!(
        fn top(x: Tensor<I8, 4>) -> Tensor<I8, 4> {
            layer(x)
        }
    );
    let text = pretty(second_phase(quote!({ report = off } { #item } b"")));
    assert!(!text.contains("compile_error"), "{text}");
    has(&text, "const IR: &'static [u8] = b\"\"");
}

#[test]
fn mistakes_keep_the_signature() {
    let text = pretty(first_phase(
        quote!(H = 8, report = off),
        quote!(
            fn bad(x: Tensor<I8, 4, H>) -> Tensor<I8, 4, H> {
                let y = if x {
                    x
                };
                y
            }
        ),
    ));
    has(&text, "compile_error!");
    assert_eq!(text.matches("compile_error").count(), 1, "{text}");
    has(&text, "fn bad(x: &Tensor<I8, 4, 8>");
    has(&text, "unimplemented!");
    assert!(!text.contains("if x"));
}

#[test]
fn a_broken_signature_stays_rust() {
    let text = pretty(first_phase(
        quote!(),
        quote!(
            fn bad(#[private] x: Foo) -> Tensor<I8, 4> {
                x
            }
        ),
    ));
    has(&text, "fn bad(x: Foo) -> Tensor<I8, 4> { ::core::unimplemented!");
    has(&text, "as bad;");
}

#[test]
fn symbolic_ir_keeps_loops_and_names() {
    let item = quote! {
        fn deep(mut x: Tensor<I8, N>) -> Tensor<I8, N> { for _ in 0..L { x = relu(x); } x }
    };
    let mut parsed = crate::parse::parse(quote!(N = 4, L = 1000), item);
    let module = parsed.model.take().expect("a model").module;
    parsed.errors.finish().unwrap();
    let bytes = module.encode();
    assert!(bytes.len() < 200, "{} bytes", bytes.len());
    assert_eq!(Module::decode(&bytes).unwrap(), module);
}

#[test]
fn report_lines_name_their_model() {
    assert_eq!(
        report::prefixed("net", "mlp", "a\n\nb"),
        "zkml[net::mlp] a\nzkml[net::mlp]\nzkml[net::mlp] b\n"
    );
}
