//! What compiles and what does not: `ui/<theme>/{pass,fail}`, one thing a file.
//!
//! The passing files are modules of this test, so that their models can be looked at as well; the failing ones are
//! compiled by trybuild and compared with the `.stderr` beside them (`TRYBUILD=overwrite` writes those).
//! `builder/` has the same models built at run time, without the macro.

#[path = "ui/body/pass/grammar.rs"]
mod body_grammar;
#[path = "builder/mod.rs"]
mod builder;
#[path = "ui/composed/pass/crates.rs"]
mod composed_crates;
#[path = "ui/composed/pass/layers.rs"]
mod composed_layers;
#[path = "ui/composed/pass/places.rs"]
mod composed_places;
#[path = "ui/single/pass/mlp.rs"]
mod single_mlp;
#[path = "ui/weights/pass/names.rs"]
mod weights_names;

#[test]
fn compile_fail() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/fail/*.rs");
}
