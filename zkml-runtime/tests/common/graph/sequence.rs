//! What language models are made of: tokens, grouped heads, windows, turned pairs, norms of wide streams.

use super::{call, call_as, finish, input, private, weight, Model};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{GraphBuilder, NodeId};
use zkml_ir::ops::Arg;

fn tokens(name: &str, read: fn(&mut GraphBuilder, &str, Elem, &[usize]) -> NodeId) -> Model {
    let mut b = GraphBuilder::new(name);
    let t = read(&mut b, "tokens", Elem::I16, &[5]);
    let table = weight(&mut b, "table", Elem::I8, &[12, 8]);
    let e = call(&mut b, "embedding", &[t, table], &[]);
    // Tied: the table's transpose gives the logits, the most likely of ten words is shown.
    let turned = call(&mut b, "transpose", &[table], &[]);
    let logits = call(&mut b, "matmul", &[e, turned], &[]);
    let best = call(&mut b, "argmax", &[logits], &[("valid", Arg::Int(10))]);
    finish(b, &[logits, best], &[])
}

/// Rows of a table by public tokens.
pub fn embedding() -> Model {
    tokens("embedding", input)
}

/// The same by tokens that the verifier does not see.
pub fn embedding_private() -> Model {
    tokens("embedding_private", private)
}

/// Four query heads over two heads of keys, each query near its keys.
pub fn grouped_window() -> Model {
    let mut b = GraphBuilder::new("grouped_window");
    let q = input(&mut b, "query", Elem::I8, &[6, 16]);
    let kv = ["key", "value"].map(|n| input(&mut b, n, Elem::I8, &[6, 8]));
    let named = [
        ("heads", Arg::Int(4)),
        ("kv_heads", Arg::Int(2)),
        ("causal", Arg::Bool(true)),
        ("window", Arg::Int(3)),
    ];
    let y = call(&mut b, "attention", &[q, kv[0], kv[1]], &named);
    finish(b, &[y], &[5])
}

/// Pairs turned by their position, halves and neighbours.
pub fn rope() -> Model {
    let mut b = GraphBuilder::new("rope");
    let x = input(&mut b, "x", Elem::I12, &[6, 12]);
    let heads = [("heads", Arg::Int(3))];
    let y = call_as(&mut b, "rope", Some(Elem::I8), &[x], &heads);
    let pairs = [("interleaved", Arg::Bool(true)), ("start", Arg::Int(9))];
    let z = call_as(&mut b, "rope", Some(Elem::I16), &[x], &pairs);
    finish(b, &[y, z], &[15, 14])
}

/// Rows of sixteen bits, with and without a mean; rows of eight.
pub fn wide_norms() -> Model {
    let mut b = GraphBuilder::new("wide_norms");
    let x = input(&mut b, "x", Elem::I16, &[2, 96]);
    let y = input(&mut b, "y", Elem::I8, &[3, 20]);
    let n = call(&mut b, "layer_norm", &[x], &[]);
    let r = call(&mut b, "rms_norm", &[x], &[("fraction", Arg::Int(8))]);
    let s = call(&mut b, "rms_norm", &[y], &[]);
    finish(b, &[n, r, s], &[])
}
