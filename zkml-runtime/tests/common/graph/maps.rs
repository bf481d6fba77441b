//! Feature maps.

use super::{call, finish, input, weight, Model};
use zkml_ir::elem::Elem;
use zkml_ir::graph::GraphBuilder;
use zkml_ir::ops::Arg;

fn int(v: i64) -> Arg {
    Arg::Int(v)
}

/// Convolutions over copied windows and over sums of columns, a pool of copies, and a shape that regroups.
pub fn feature_maps() -> Model {
    let mut b = GraphBuilder::new("feature_maps");
    let x = input(&mut b, "x", Elem::I8, &[1, 10, 10]);
    let w1 = weight(&mut b, "w1", Elem::I8, &[6, 1, 3, 3]);
    let b1 = weight(&mut b, "b1", Elem::I24, &[6]);
    let w2 = weight(&mut b, "w2", Elem::I8, &[4, 6, 3, 3]);
    let fc = weight(&mut b, "fc", Elem::I8, &[36, 5]);
    let h = call(&mut b, "conv2d", &[x, w1, b1], &[("padding", int(1))]);
    let h = call(&mut b, "quantize_int8", &[h], &[]);
    let h = call(&mut b, "max_pool", &[h], &[("kernel", int(3)), ("stride", int(2)), ("padding", int(1))]);
    let h = call(&mut b, "conv2d", &[h, w2], &[]);
    let h = call(&mut b, "quantize_int8", &[h], &[]);
    let row = call(&mut b, "reshape", &[h], &[("shape", Arg::Ints(vec![1, 36]))]);
    let y = call(&mut b, "matmul", &[row, fc], &[]);
    let mean = call(&mut b, "global_avg_pool", &[h], &[]);
    finish(b, &[y, mean], &[15, 9])
}

/// Groups, strides that are views, and means of windows that are none.
pub fn grouped_maps() -> Model {
    let mut b = GraphBuilder::new("grouped_maps");
    let x = input(&mut b, "x", Elem::I8, &[2, 6, 8, 8]);
    let depthwise = weight(&mut b, "depthwise", Elem::I8, &[6, 1, 3, 3]);
    let grouped = weight(&mut b, "grouped", Elem::I8, &[4, 3, 2, 2]);
    let h = call(&mut b, "max_pool", &[x], &[("kernel", int(2))]);
    let d = call(&mut b, "conv2d", &[h, depthwise], &[("padding", int(1)), ("groups", int(6))]);
    let g = call(&mut b, "conv2d", &[x, grouped], &[("stride", int(2)), ("groups", int(2))]);
    let m = call(&mut b, "avg_pool", &[x], &[("kernel", int(3)), ("stride", int(2)), ("padding", int(1))]);
    let p = call(&mut b, "pad", &[h], &[("axis", int(3)), ("before", int(1)), ("after", int(1))]);
    let p = call(&mut b, "mul", &[p, p], &[]);
    finish(b, &[d, g, m, p], &[])
}
