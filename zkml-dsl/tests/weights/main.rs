//! Weight files, good and bad.

mod corpus;
mod families;
mod float;
mod fold;
mod model;
mod resolve;
mod sharded;

use safetensors::tensor::TensorView;
use safetensors::Dtype;
use std::path::Path;
use zkml_dsl::weights::FloatTensor;
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, Op, RescaleRule, Step, TensorType, WeightDecl};
use zkml_ir::shape::Shape;

/// Writes a safetensors file of (name, type, shape, little-endian bytes).
fn write_file(path: &Path, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
    let views = tensors.iter().map(|(n, d, s, b)| (*n, TensorView::new(*d, s.to_vec(), b).unwrap()));
    safetensors::serialize_to_file(views, None, path).unwrap();
}

fn tensor(dims: &[usize], data: &[f32]) -> FloatTensor {
    FloatTensor { shape: Shape::new(dims), data: data.to_vec() }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A graph that only declares weights, and one rescale and one step for each of `params`.
fn graph(name: &str, weights: &[(&str, Elem, &[usize], Layout)], params: &[&str]) -> Graph {
    let mut b = GraphBuilder::new(name);
    for (i, &(name, elem, dims, layout)) in weights.iter().enumerate() {
        let step = Step { coef: 1.0, powers: [(i, 1)].into() };
        let ty = TensorType { elem, shape: Shape::new(dims), interval: elem.interval(), step };
        let node = b.push(Op::Weight(i), vec![], ty, name);
        b.declare_weight(WeightDecl { name: name.to_owned(), node, layout });
    }
    for p in params {
        b.declare_rescale(p.to_string(), 0, RescaleRule::Calibrated);
    }
    let mut graph = b.finish();
    graph.steps.names = params.iter().map(|p| p.to_string()).collect();
    graph
}
