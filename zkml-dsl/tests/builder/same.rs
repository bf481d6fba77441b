//! Both front ends feed the same IR: equal graphs, names of nodes, weights, steps and rescales included.

use super::blocks::{self, Size};
use super::{bert, gpt2, mlp};
use zkml_dsl::builder::Builder;
use zkml_dsl::{DynamicInstance, Elem};
use zkml_ir::graph::Graph;

/// Node by node first: a whole graph is too long to read.
fn assert_same(built: &DynamicInstance, expanded: &Graph) {
    let built = built.graph();
    for (a, b) in built.nodes.iter().zip(&expanded.nodes) {
        assert_eq!(a, b);
    }
    assert!(expanded.nodes.len() > 5);
    assert_eq!(built.outputs, expanded.outputs);
    assert_eq!(built, expanded);
}

#[test]
fn the_readmes_model() {
    assert_same(&blocks::mlp(256).unwrap(), mlp::with(mlp::Dims::default()).unwrap().graph());
    assert_same(&blocks::mlp(24).unwrap(), mlp::with(mlp::Dims { H: 24 }).unwrap().graph());
}

#[test]
fn a_gpt2_block() {
    let size = Size { seq: 64, d: 768, heads: 12 };
    let b = Builder::new("gpt2_block");
    let x = b.input("x", Elem::I16, [size.seq, size.d]).unwrap();
    b.output("output", blocks::gpt2_block(&b, x, size).unwrap()).unwrap();
    let expanded = gpt2::gpt2_block::with(gpt2::gpt2_block::Dims::default()).unwrap();
    assert_same(&b.finish().unwrap(), expanded.graph());
}

#[test]
fn a_whole_gpt2() {
    let size = Size { seq: 6, d: 24, heads: 3 };
    let dims = gpt2::gpt2::Dims { SEQ: 6, D: 24, HEADS: 3, L: 3, VOCAB: 40, CONTEXT: 32 };
    assert_same(&blocks::gpt2(size, 3).unwrap(), gpt2::gpt2::with(dims).unwrap().graph());
    let other = gpt2::gpt2::with(gpt2::gpt2::Dims { L: 2, ..dims }).unwrap();
    assert_ne!(blocks::gpt2(size, 3).unwrap().graph(), other.graph());
}

/// Several inputs, one of flags, and weights that lie transposed.
#[test]
fn layers_of_bert() {
    let size = Size { seq: 6, d: 24, heads: 3 };
    let dims = bert::bert::Dims { SEQ: 6, D: 24, HEADS: 3, L: 2 };
    assert_same(&blocks::bert(size, 2).unwrap(), bert::bert::with(dims).unwrap().graph());
}

#[test]
fn the_report_is_the_macros() {
    let built = blocks::mlp(256).unwrap();
    let report = built.report().unwrap();
    let expanded = zkml_ir::cost::report(mlp::with(mlp::Dims::default()).unwrap().graph()).unwrap();
    assert_eq!(report, expanded);
    assert_eq!(report.weight_cells, 784 * 256 + 256 + 256 * 10);
    let cells: u64 = built.components().unwrap().iter().map(|c| c.committed_cells).sum();
    assert_eq!(cells, report.committed_cells - report.multiplicity_cells + report.weight_cells);
    assert!(built.memory().unwrap().prove > 0);
}
