//! Ops that work on rows: softmax, attention, layer norm.

use super::{call, finish, input, Model};
use zkml_ir::elem::Elem;
use zkml_ir::graph::GraphBuilder;
use zkml_ir::ops::Arg;

fn probabilities(name: &str, dims: &[usize], causal: bool) -> Model {
    let mut b = GraphBuilder::new(name);
    let x = input(&mut b, "x", Elem::I8, dims);
    let p = call(&mut b, "softmax", &[x], &[("causal", Arg::Bool(causal))]);
    finish(b, &[p], &[])
}

pub fn softmax() -> Model {
    probabilities("softmax", &[2, 3, 5], false)
}

pub fn softmax_causal() -> Model {
    probabilities("softmax_causal", &[2, 5, 5], true)
}

/// Two heads of four columns over five tokens.
fn heads(name: &str, causal: bool, masked: bool) -> Model {
    let mut b = GraphBuilder::new(name);
    let qkv = ["query", "key", "value"].map(|n| input(&mut b, n, Elem::I8, &[5, 8]));
    let mut named = vec![("heads", Arg::Int(2)), ("causal", Arg::Bool(causal))];
    if masked {
        named.push(("mask", Arg::Tensor(input(&mut b, "mask", Elem::U8, &[5]))));
    }
    let y = call(&mut b, "attention", &qkv, &named);
    finish(b, &[y], &[5])
}

pub fn attention() -> Model {
    heads("attention", false, false)
}

pub fn attention_causal() -> Model {
    heads("attention_causal", true, false)
}

pub fn attention_masked() -> Model {
    heads("attention_masked", false, true)
}

fn norm(name: &str, elem: Elem, dims: &[usize]) -> Model {
    let mut b = GraphBuilder::new(name);
    let x = input(&mut b, "x", elem, dims);
    let y = call(&mut b, "layer_norm", &[x], &[]);
    finish(b, &[y], &[])
}

/// Rows so short that their squares are summed at once.
pub fn layer_norm() -> Model {
    norm("layer_norm", Elem::I8, &[3, 20])
}

/// Squares summed in three blocks.
pub fn layer_norm_blocks() -> Model {
    norm("layer_norm_blocks", Elem::I12, &[2, 96])
}
