//! Small graphs built through the language's ops. Extents are odd on purpose.

mod choices;
mod maps;
mod rows;
mod sequence;
mod views;

pub use choices::{choices, functions, reductions};
pub use maps::{feature_maps, grouped_maps};
pub use rows::{
    attention, attention_causal, attention_masked, layer_norm, layer_norm_blocks, softmax, softmax_causal,
};
pub use sequence::{embedding, embedding_private, grouped_window, rope, wide_norms};
pub use views::{copied_concat, copied_reshape, copied_slice, free_views};

use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, NodeId, Rescale};
use zkml_ir::ops::{self, Arg, Call};
use zkml_ir::shape::Shape;

/// A graph with its rescales.
pub type Model = (Graph, Vec<Rescale>);

/// Makes a graph.
pub type Build = fn() -> Model;

/// Every graph of this folder, by name.
pub const ALL: &[(&str, Build)] = &[
    ("mlp", mlp),
    ("mlp_private", mlp_private),
    ("residual", residual),
    ("targets", targets),
    ("deep", deep),
    ("activations", activations),
    ("broadcasts", broadcasts),
    ("batched", batched),
    ("square", square),
    ("free_views", free_views),
    ("copied_slice", copied_slice),
    ("copied_concat", copied_concat),
    ("copied_reshape", copied_reshape),
    ("private_types", private_types),
    ("no_weights", no_weights),
    ("no_lookups", no_lookups),
    ("no_lookups_private", no_lookups_private),
    ("no_products", no_products),
    ("nothing_committed", nothing_committed),
    ("ones", ones),
    ("softmax", softmax),
    ("softmax_causal", softmax_causal),
    ("attention", attention),
    ("attention_causal", attention_causal),
    ("attention_masked", attention_masked),
    ("layer_norm", layer_norm),
    ("layer_norm_blocks", layer_norm_blocks),
    ("feature_maps", feature_maps),
    ("grouped_maps", grouped_maps),
    ("embedding", embedding),
    ("embedding_private", embedding_private),
    ("grouped_window", grouped_window),
    ("rope", rope),
    ("wide_norms", wide_norms),
    ("reductions", reductions),
    ("choices", choices),
    ("functions", functions),
];

pub fn call(b: &mut GraphBuilder, op: &str, tensors: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    call_as(b, op, None, tensors, named)
}

pub fn call_as(
    b: &mut GraphBuilder,
    op: &str,
    elem: Option<Elem>,
    tensors: &[NodeId],
    named: &[(&str, Arg)],
) -> NodeId {
    let call = Call {
        tensors: tensors.to_vec(),
        named: named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect(),
        elem,
        name: format!("{op}{}", b.graph().nodes.len()),
    };
    ops::find(op).expect("an op").build(b, &call).unwrap_or_else(|e| panic!("{op}: {e:?}"))[0]
}

fn input(b: &mut GraphBuilder, name: &str, elem: Elem, dims: &[usize]) -> NodeId {
    b.input(name, elem, Shape::new(dims), false)
}

fn private(b: &mut GraphBuilder, name: &str, elem: Elem, dims: &[usize]) -> NodeId {
    b.input(name, elem, Shape::new(dims), true)
}

fn weight(b: &mut GraphBuilder, name: &str, elem: Elem, dims: &[usize]) -> NodeId {
    b.weight(name, elem, Shape::new(dims), Layout::InOut)
}

fn finish(mut b: GraphBuilder, outputs: &[NodeId], shifts: &[u32]) -> Model {
    for (i, &y) in outputs.iter().enumerate() {
        b.output(format!("y{i}"), y);
    }
    let graph = b.finish();
    assert_eq!(graph.rescales.len(), shifts.len(), "one shift a rescale");
    (graph, shifts.iter().map(|&s| Rescale { m: 1, s }).collect())
}

fn two_layers(name: &str, is_private: bool) -> Model {
    let mut b = GraphBuilder::new(name);
    let x = b.input("x", Elem::I8, Shape::new([3, 20]), is_private);
    let w1 = weight(&mut b, "w1", Elem::I8, &[20, 24]);
    let b1 = weight(&mut b, "b1", Elem::I24, &[24]);
    let w2 = weight(&mut b, "w2", Elem::I8, &[24, 10]);
    let h = call(&mut b, "matmul", &[x, w1], &[]);
    let h = call(&mut b, "add", &[h, b1], &[]);
    let h = call(&mut b, "quantize_int8", &[h], &[]);
    let h = call(&mut b, "relu", &[h], &[]);
    let y = call(&mut b, "matmul", &[h, w2], &[]);
    finish(b, &[y], &[9])
}

/// `relu(quantize_int8(x w1 + b1)) w2`
pub fn mlp() -> Model {
    two_layers("mlp", false)
}

/// The same with an input that the verifier does not see.
pub fn mlp_private() -> Model {
    two_layers("mlp_private", true)
}

/// `quantize_int8(quantize_int8(x w) + x)`, both results shown.
pub fn residual() -> Model {
    block("residual", true)
}

/// [`residual`] without the residual.
pub fn without_residual() -> Model {
    block("residual", false)
}

fn block(name: &str, with_residual: bool) -> Model {
    let mut b = GraphBuilder::new(name);
    let x = input(&mut b, "x", Elem::I8, &[5, 12]);
    let w = weight(&mut b, "w", Elem::I8, &[12, 12]);
    let h = call(&mut b, "matmul", &[x, w], &[]);
    let q = call(&mut b, "quantize_int8", &[h], &[]);
    let sum = if with_residual { call(&mut b, "add", &[q, x], &[]) } else { q };
    let y = call(&mut b, "quantize_int8", &[sum], &[]);
    finish(b, &[q, y], &[8, 1])
}

/// Every target of a quantisation, saturating often, and a window that needs no clamp.
pub fn targets() -> Model {
    let mut b = GraphBuilder::new("targets");
    let x = input(&mut b, "x", Elem::I8, &[3, 20]);
    let w = weight(&mut b, "w", Elem::I8, &[20, 6]);
    let h = call(&mut b, "matmul", &[x, w], &[]);
    let mut outputs = vec![];
    for elem in [Elem::I8, Elem::U8, Elem::I12, Elem::I16] {
        outputs.push(call_as(&mut b, "quantize", Some(elem), &[h], &[]));
    }
    outputs.push(call_as(&mut b, "quantize", Some(Elem::I16), &[h], &[("window", Arg::Int(16))]));
    finish(b, &outputs, &[8, 7, 3, 1, 5])
}

/// An accumulator so large that the remainder takes two limbs.
pub fn deep() -> Model {
    let mut b = GraphBuilder::new("deep");
    let x = input(&mut b, "x", Elem::I8, &[2, 8200]);
    let w = weight(&mut b, "w", Elem::I8, &[8200, 3]);
    let h = call(&mut b, "matmul", &[x, w], &[]);
    let y = call(&mut b, "quantize_int8", &[h], &[]);
    finish(b, &[y], &[13])
}

/// Fused and unfused tables.
pub fn activations() -> Model {
    let mut b = GraphBuilder::new("activations");
    let x = input(&mut b, "x", Elem::I8, &[3, 20]);
    let w = weight(&mut b, "w", Elem::I8, &[20, 9]);
    let h = call(&mut b, "matmul", &[x, w], &[]);
    let q = call(&mut b, "quantize_int8", &[h], &[]);
    let fused = call(&mut b, "gelu", &[q], &[]);
    let q2 = call(&mut b, "quantize_int8", &[h], &[]);
    let relu = call(&mut b, "relu", &[q2], &[]);
    let sum = call(&mut b, "add", &[relu, q2], &[]);
    let small = call(&mut b, "exp", &[fused], &[]);
    finish(b, &[fused, sum, small], &[9, 8])
}

/// Elementwise products and sums whose sides stretch.
pub fn broadcasts() -> Model {
    let mut b = GraphBuilder::new("broadcasts");
    let x = input(&mut b, "x", Elem::I8, &[3, 4, 10]);
    let row = weight(&mut b, "row", Elem::I8, &[10]);
    let column = weight(&mut b, "column", Elem::I8, &[4, 1]);
    let bias = weight(&mut b, "bias", Elem::I24, &[3, 1, 1]);
    let p = call(&mut b, "mul", &[x, row], &[]);
    let p = call(&mut b, "add", &[p, bias], &[]);
    let c = call(&mut b, "mul", &[column, x], &[]);
    let c = call(&mut b, "mul", &[c], &[("by", Arg::Int(-3))]);
    let n = call(&mut b, "neg", &[p], &[]);
    let q = call(&mut b, "quantize_int8", &[n], &[]);
    finish(b, &[q, c], &[15])
}

/// Batches on both sides, and a right side that serves every batch.
pub fn batched() -> Model {
    let mut b = GraphBuilder::new("batched");
    let x = input(&mut b, "x", Elem::I8, &[3, 5, 6]);
    let y = private(&mut b, "y", Elem::U8, &[3, 6, 7]);
    let w = weight(&mut b, "w", Elem::I8, &[7, 4]);
    let s = call(&mut b, "matmul", &[x, y], &[]);
    let q = call(&mut b, "quantize_int8", &[s], &[]);
    let z = call(&mut b, "matmul", &[q, w], &[]);
    finish(b, &[z, q], &[9])
}

/// A product whose two output axes are alike.
pub fn square() -> Model {
    let mut b = GraphBuilder::new("square");
    let x = input(&mut b, "x", Elem::I8, &[8, 6]);
    let w = weight(&mut b, "w", Elem::I8, &[6, 8]);
    let y = call(&mut b, "matmul", &[x, w], &[]);
    finish(b, &[y], &[])
}

/// A private input of every element type, one public input between them.
pub fn private_types() -> Model {
    let mut b = GraphBuilder::new("private_types");
    let x = private(&mut b, "x", Elem::I24, &[3, 5]);
    let u = private(&mut b, "u", Elem::U8, &[3, 5]);
    let v = input(&mut b, "v", Elem::I12, &[5]);
    let w = private(&mut b, "w", Elem::I16, &[3, 1]);
    let s = call(&mut b, "add", &[x, v], &[]);
    let p = call(&mut b, "mul", &[u, v], &[]);
    let d = call(&mut b, "sub", &[w, u], &[]);
    finish(b, &[s, p, d], &[])
}

pub fn no_weights() -> Model {
    let mut b = GraphBuilder::new("no_weights");
    let x = input(&mut b, "x", Elem::I8, &[3, 10]);
    let y = input(&mut b, "y", Elem::I8, &[10, 4]);
    let h = call(&mut b, "matmul", &[x, y], &[]);
    let q = call(&mut b, "quantize_int8", &[h], &[]);
    finish(b, &[q], &[8])
}

/// Products alone: no lookup argument.
pub fn no_lookups() -> Model {
    let mut b = GraphBuilder::new("no_lookups");
    let x = input(&mut b, "x", Elem::I8, &[3, 20]);
    let w = weight(&mut b, "w", Elem::I8, &[20, 6]);
    let c = weight(&mut b, "c", Elem::I24, &[6]);
    let h = call(&mut b, "matmul", &[x, w], &[]);
    let y = call(&mut b, "add", &[h, c], &[]);
    let z = call(&mut b, "mul", &[x, x], &[]);
    finish(b, &[y, z], &[])
}

/// The lookups of a private input's range, and nothing else that looks up.
pub fn no_lookups_private() -> Model {
    let mut b = GraphBuilder::new("no_lookups_private");
    let x = private(&mut b, "x", Elem::I8, &[3, 20]);
    let w = weight(&mut b, "w", Elem::I8, &[20, 6]);
    let y = call(&mut b, "matmul", &[x, w], &[]);
    finish(b, &[y], &[])
}

/// Sums alone: a sumcheck without rounds.
pub fn no_products() -> Model {
    let mut b = GraphBuilder::new("no_products");
    let x = input(&mut b, "x", Elem::I8, &[3, 5]);
    let w = weight(&mut b, "w", Elem::I8, &[5]);
    let y = call(&mut b, "add", &[x, w], &[]);
    finish(b, &[y], &[])
}

/// Everything is public.
pub fn nothing_committed() -> Model {
    let mut b = GraphBuilder::new("nothing_committed");
    let x = input(&mut b, "x", Elem::I8, &[3, 5]);
    let y = call(&mut b, "mul", &[x, x], &[]);
    finish(b, &[y], &[])
}

/// Extents of one, and tensors of one cell.
pub fn ones() -> Model {
    let mut b = GraphBuilder::new("ones");
    let x = input(&mut b, "x", Elem::I8, &[1, 1]);
    let w = weight(&mut b, "w", Elem::I8, &[1, 7]);
    let v = weight(&mut b, "v", Elem::I8, &[7, 1]);
    let h = call(&mut b, "matmul", &[x, w], &[]);
    let q = call(&mut b, "quantize_int8", &[h], &[]);
    let y = call(&mut b, "matmul", &[q, v], &[]);
    finish(b, &[y], &[7])
}
