use zkml_dsl::prelude::*;

#[zk_model]
struct Model;

fn main() {}
