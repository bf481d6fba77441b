//! Reductions, comparisons, functions of one integer.

use super::{call, finish, input, weight, Model};
use zkml_ir::elem::Elem;
use zkml_ir::graph::GraphBuilder;
use zkml_ir::ops::{self, Arg, Call};

/// Sums, means and maxima along axes; the largest three; the first maximum of sums that are never committed.
pub fn reductions() -> Model {
    let mut b = GraphBuilder::new("reductions");
    let x = input(&mut b, "x", Elem::I8, &[3, 12]);
    let w = weight(&mut b, "w", Elem::I8, &[12, 7]);
    let axis = |a: i64| [("axis", Arg::Int(a))];
    let mut shown = vec![
        call(&mut b, "sum", &[x], &axis(0)),
        call(&mut b, "mean", &[x], &axis(1)),
        call(&mut b, "max", &[x], &axis(0)),
    ];
    let named = [("k".to_string(), Arg::Int(3))].into();
    let top = Call { tensors: vec![x], named, elem: None, name: "top".into() };
    shown.extend(ops::find("top_k").expect("an op").build(&mut b, &top).expect("builds"));
    let h = call(&mut b, "matmul", &[x, w], &[]);
    shown.push(call(&mut b, "argmax", &[h], &[]));
    finish(b, &shown, &[])
}

/// Flags, what they select, quotients, 8-bit floats.
pub fn choices() -> Model {
    let mut b = GraphBuilder::new("choices");
    let x = input(&mut b, "x", Elem::I8, &[3, 10]);
    let y = input(&mut b, "y", Elem::I8, &[3, 10]);
    let greater = call(&mut b, "greater", &[x, y], &[]);
    let picked = call(&mut b, "select", &[greater, x, y], &[]);
    let product = call(&mut b, "mul", &[x, y], &[]);
    let quotient = call(&mut b, "div", &[product], &[("by", Arg::Int(7))]);
    let code = call(&mut b, "quantize_fp8_e4m3", &[x], &[]);
    let value = call(&mut b, "dequantize_e4m3", &[code], &[]);
    finish(b, &[picked, quotient, value], &[])
}

/// Every function of one integer by a table, and squares.
pub fn functions() -> Model {
    let mut b = GraphBuilder::new("functions");
    let x = input(&mut b, "x", Elem::I8, &[2, 9]);
    let names = ["sigmoid", "silu", "tanh", "abs", "rsqrt", "reciprocal", "square"];
    let mut shown: Vec<_> = names.iter().map(|n| call(&mut b, n, &[x], &[])).collect();
    shown.extend(["sqrt", "log", "sin", "cos"].map(|n| call(&mut b, n, &[x], &[])));
    shown.push(call(&mut b, "clamp", &[x], &[("lo", Arg::Real(-0.5)), ("hi", Arg::Real(1.0))]));
    let h = call(&mut b, "quantize_int8", &[shown[6]], &[]);
    shown.push(call(&mut b, "gelu", &[h], &[("tanh", Arg::Bool(true))]));
    finish(b, &shown, &[6])
}
