//! Views, free and not.

use super::{call, finish, input, weight, Model};
use zkml_ir::elem::Elem;
use zkml_ir::graph::GraphBuilder;
use zkml_ir::ops::Arg;

/// Views that only rename digits, read inside products.
pub fn free_views() -> Model {
    let mut b = GraphBuilder::new("free_views");
    let x = input(&mut b, "x", Elem::I8, &[6, 48]);
    let w = weight(&mut b, "w", Elem::I8, &[6, 48]);
    let q = call(&mut b, "quantize_int8", &[x], &[]);
    let h = call(&mut b, "reshape", &[q], &[("shape", Arg::Ints(vec![6, 3, 16]))]);
    let h = call(&mut b, "transpose", &[h], &[("perm", Arg::Ints(vec![1, 0, 2]))]);
    let a = call(&mut b, "slice", &[h], &[("axis", Arg::Int(2)), ("range", Arg::Range(8, 16))]);
    let c = call(&mut b, "slice", &[h], &[("axis", Arg::Int(0)), ("range", Arg::Range(1, 2))]);
    let t = call(&mut b, "transpose", &[w], &[("perm", Arg::Ints(vec![1, 0]))]);
    let scores = call(&mut b, "matmul", &[q, t], &[]);
    let squares = call(&mut b, "mul", &[a, a], &[]);
    let d = call(&mut b, "concat", &[a, a], &[("axis", Arg::Int(2))]);
    finish(b, &[scores, squares, c, d], &[1])
}

/// An unaligned slice: a committed copy.
pub fn copied_slice() -> Model {
    let mut b = GraphBuilder::new("copied_slice");
    let x = input(&mut b, "x", Elem::I8, &[3, 48]);
    let v = call(&mut b, "slice", &[x], &[("axis", Arg::Int(1)), ("range", Arg::Range(5, 12))]);
    let y = call(&mut b, "mul", &[v, v], &[]);
    finish(b, &[y], &[])
}

/// An unaligned concatenation: a committed copy.
pub fn copied_concat() -> Model {
    let mut b = GraphBuilder::new("copied_concat");
    let parts = [5, 7, 2].map(|n| input(&mut b, &format!("x{n}"), Elem::I8, &[3, n]));
    let v = call(&mut b, "concat", &parts, &[("axis", Arg::Int(1))]);
    let y = call(&mut b, "mul", &[v, v], &[]);
    finish(b, &[y], &[])
}

/// Reshapes that cut digits: committed copies, of one axis and of several.
pub fn copied_reshape() -> Model {
    let mut b = GraphBuilder::new("copied_reshape");
    let x = input(&mut b, "x", Elem::I8, &[12, 10, 3]);
    let flat = call(&mut b, "reshape", &[x], &[("shape", Arg::Ints(vec![360]))]);
    let cut = call(&mut b, "reshape", &[x], &[("shape", Arg::Ints(vec![8, 15, 3]))]);
    let y = call(&mut b, "mul", &[flat, flat], &[]);
    let z = call(&mut b, "mul", &[cut, cut], &[]);
    finish(b, &[y, z], &[])
}
