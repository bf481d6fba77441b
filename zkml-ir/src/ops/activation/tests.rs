//! Rules of the ops by a table, and their errors.

use super::super::{At, OpError};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, Layout, NodeId, Op, TensorType};
use crate::ops::Arg;
use crate::shape::Shape;
use crate::tables::Function;
use crate::testing::{op, quantize, try_op};

const BOUNDS: [(&str, Arg); 2] = [("lo", Arg::Real(-1.5)), ("hi", Arg::Real(6.0))];
const ALL: [&str; 13] = [
    "relu",
    "gelu",
    "exp",
    "sigmoid",
    "silu",
    "tanh",
    "abs",
    "rsqrt",
    "reciprocal",
    "sqrt",
    "log",
    "sin",
    "cos",
];

fn input(b: &mut GraphBuilder, elem: Elem) -> NodeId {
    b.input("x", elem, Shape::new([3, 5]), false)
}

/// The type of the op's result on an input of `elem`, and the input's.
fn result(name: &str, elem: Elem, named: &[(&str, Arg)]) -> (TensorType, TensorType) {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, elem);
    let y = op(&mut b, name, &[x], named);
    (b.ty(y).clone(), b.ty(x).clone())
}

fn error(name: &str, elem: Elem, named: &[(&str, Arg)]) -> OpError {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, elem);
    try_op(&mut b, name, &[x], named).unwrap_err()
}

#[test]
fn functions_in_their_arguments_step() {
    let range = |lo, hi| Interval::new(lo, hi);
    for (name, named, elem, want) in [
        ("silu", &[][..], Elem::I8, range(-128, 127)),
        ("silu", &[], Elem::U8, range(0, 255)),
        ("gelu", &[("tanh", Arg::Bool(true))], Elem::I16, range(-32768, 32767)),
        ("gelu", &[("tanh", Arg::Bool(false))], Elem::I12, range(-2048, 2047)),
        ("abs", &[], Elem::I8, range(0, 127)),
        ("abs", &[], Elem::U8, range(0, 255)),
        ("clamp", &BOUNDS, Elem::I8, range(-128, 127)),
        ("clamp", &BOUNDS, Elem::U8, range(0, 255)),
        ("clamp", &[("lo", Arg::Int(0)), ("hi", Arg::Real(6.0))], Elem::I12, range(0, 2047)),
        ("clamp", &[("lo", Arg::Real(-6.0)), ("hi", Arg::Real(-0.0))], Elem::I12, range(-2048, 0)),
        ("clamp", &[("lo", Arg::Real(0.5)), ("hi", Arg::Real(0.5))], Elem::I16, range(0, 32767)),
        ("clamp", &[("lo", Arg::Real(-2.0)), ("hi", Arg::Real(-1.0))], Elem::U8, range(0, 0)),
    ] {
        let (y, x) = result(name, elem, named);
        assert_eq!(y, TensorType { interval: want, ..x }, "{name} {elem}");
    }
}

#[test]
fn functions_in_a_fixed_step() {
    let most = 32767;
    for (name, named, elem, lo, step) in [
        ("sigmoid", &[][..], Elem::I8, 0, 0.5f64.powi(15)),
        ("tanh", &[], Elem::I16, -most, 0.5f64.powi(15)),
        ("tanh", &[], Elem::U8, 0, 0.5f64.powi(15)),
        ("exp", &[("bits", Arg::Int(3))], Elem::I12, 0, 0.125),
        ("rsqrt", &[], Elem::I12, 0, 0.5f64.powi(8)),
        ("rsqrt", &[("bits", Arg::Int(30))], Elem::I8, 0, 0.5f64.powi(30)),
        ("reciprocal", &[], Elem::I8, -most, 0.5f64.powi(8)),
        ("reciprocal", &[("bits", Arg::Int(0))], Elem::U8, 0, 1.0),
        ("sqrt", &[], Elem::I12, 0, 0.5f64.powi(8)),
        ("sqrt", &[("bits", Arg::Int(12))], Elem::I16, 0, 0.5f64.powi(12)),
        ("log", &[], Elem::U8, -most, 0.5f64.powi(10)),
        ("log", &[("bits", Arg::Int(15))], Elem::I8, -most, 0.5f64.powi(15)),
        ("sin", &[], Elem::I16, -most, 0.5f64.powi(15)),
        ("cos", &[], Elem::U8, -most, 0.5f64.powi(15)),
    ] {
        let (y, x) = result(name, elem, named);
        assert_eq!((y.elem, y.interval, y.shape), (Elem::I16, Interval::new(lo, most), x.shape), "{name}");
        assert!(y.step.is_constant() && y.step.coef == step, "{name}: {:?}", y.step);
    }
}

#[test]
fn intervals_follow_narrow_arguments() {
    let mut b = GraphBuilder::new("t");
    let x = b.weight("w", Elem::I8, Shape::new([4]), Layout::InOut);
    let y = op(&mut b, "relu", &[x], &[]);
    let y = op(&mut b, "silu", &[y], &[]);
    assert_eq!(b.ty(y).interval, Interval::new(0, 127));
    // 0 <= softmax <= 1: no reciprocal of it is negative.
    let p = op(&mut b, "softmax", &[x], &[]);
    let r = op(&mut b, "reciprocal", &[p], &[]);
    assert_eq!(b.ty(r).interval, Interval::new(0, 32767));
    // A bound of another sign may lift values out of the argument's interval, not out of the element's.
    let up = op(&mut b, "clamp", &[p], &[("lo", Arg::Real(2.0)), ("hi", Arg::Real(3.0))]);
    assert_eq!(b.ty(up).interval, Interval::new(0, b.ty(p).elem.interval().hi));
}

#[test]
fn a_square_is_a_product_that_is_not_negative() {
    let (y, x) = result("square", Elem::I8, &[]);
    assert_eq!((y.elem, y.interval), (Elem::Acc, Interval::new(0, 1 << 14)));
    assert_eq!((&y.shape, y.step), (&x.shape, x.step.times(&x.step)));
    assert_eq!(result("square", Elem::U8, &[]).0.interval, Interval::new(0, 255 * 255));
    assert_eq!(result("square", Elem::I12, &[]).0.interval, Interval::new(0, 1 << 22));
    let e = error("square", Elem::I16, &[]);
    assert_eq!(
        (e.message.as_str(), &e.notes[..]),
        ("product can leave (-2^30, 2^30)", &["I16 * I16".into()][..])
    );
    let e = error("square", Elem::I24, &[]);
    assert_eq!(e.message, "`square` takes I8, I12, I16 or U8, got `I24`");
    // Behind a rectification the root fits.
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, Elem::I16);
    let x = op(&mut b, "relu", &[x], &[]);
    let y = op(&mut b, "square", &[x], &[]);
    assert_eq!(b.ty(y).interval, Interval::new(0, 32767 * 32767));
    assert_eq!((&b.graph().node(y).op, &b.graph().node(y).args), (&Op::Mul, &vec![x, x]));
}

#[test]
fn wide_arguments_are_refused() {
    for name in ALL {
        let e = error(name, Elem::I24, &[]);
        assert_eq!(e.at, At::Tensor(0));
        assert_eq!(e.message, format!("`{name}` takes I8, I12, I16 or U8, got `I24`"));
        assert_eq!(e.help.unwrap(), format!("`{name}(quantize_int8(h))`"));
    }
    assert_eq!(error("clamp", Elem::I24, &BOUNDS).message, "`clamp` takes I8, I12, I16 or U8, got `I24`");
}

#[test]
fn named_arguments_are_checked() {
    for (name, bad, most) in [
        ("exp", 15, 14),
        ("exp", -1, 14),
        ("rsqrt", 31, 30),
        ("reciprocal", -1, 30),
        ("sqrt", 31, 30),
        ("log", 16, 15),
    ] {
        let e = error(name, Elem::I8, &[("bits", Arg::Int(bad))]);
        assert_eq!(e.at, At::Named("bits".into()));
        assert_eq!(e.message, format!("`bits` must be from 0 to {most}, got {bad}"));
    }
    let clamp = |lo, hi| error("clamp", Elem::I8, &[("lo", Arg::Real(lo)), ("hi", Arg::Real(hi))]);
    let e = clamp(1.0, 0.5);
    assert_eq!(
        (e.at, e.message.as_str()),
        (At::Named("lo".into()), "`lo` must not be above `hi`, got lo = 1, hi = 0.5")
    );
    let e = clamp(0.0, f64::INFINITY);
    assert_eq!((e.at, e.message.as_str()), (At::Named("hi".into()), "`hi` must be a finite number, got inf"));
    assert_eq!(clamp(f64::NAN, 1.0).message, "`lo` must be a finite number, got NaN");
    let e = error("clamp", Elem::I8, &[("lo", Arg::Real(0.0))]);
    assert_eq!(e.message, "`clamp` needs `hi = ..`, a number");
    let e = error("gelu", Elem::I8, &[("tanh", Arg::Int(1))]);
    assert_eq!(e.message, "`tanh` of `gelu` is `true` or `false`");
    let e = error("tanh", Elem::I8, &[("bits", Arg::Int(3))]);
    assert_eq!(e.message, "`tanh` has no argument `bits`");
}

/// Every function has its node, and the nodes their functions.
#[test]
fn a_quantisation_before_a_function_is_fused() {
    let named: [(&str, &[(&str, Arg)]); 3] =
        [("clamp", &BOUNDS), ("gelu", &[("tanh", Arg::Bool(true))]), ("silu", &[])];
    let all = ALL.iter().map(|n| (*n, &[][..])).chain(named);
    for (name, named) in all {
        for (window, again) in [(16, false), (20, false), (16, true)] {
            let mut b = GraphBuilder::new("t");
            let x = input(&mut b, Elem::I8);
            let w = b.weight("w", Elem::I8, Shape::new([5, 4]), Layout::InOut);
            let h = op(&mut b, "matmul", &[x, w], &[]);
            let elem = if window == 20 { Elem::I16 } else { Elem::I8 };
            let q = quantize(&mut b, h, elem);
            let y = op(&mut b, name, &[q], named);
            b.output("y", y);
            if again {
                b.output("q", q);
            }
            let g = b.finish();
            assert!(super::function(&g.node(y).op).is_some());
            assert_eq!(crate::lower::fused_activations(&g)[q], window == 16 && !again, "{name}");
        }
    }
    assert_eq!(super::function(&Op::Map(Function::Tanh)), Some(Function::Tanh));
    assert_eq!(super::function(&Op::Neg), None);
}
