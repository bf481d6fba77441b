//! What the ops on feature maps refuse, and what they say.

use super::{find, Arg, At, Call, OpError};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, Layout, NodeId};
use crate::shape::Shape;

fn call(b: &mut GraphBuilder, op: &str, t: &[NodeId], named: &[(&str, Arg)]) -> Result<Vec<NodeId>, OpError> {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: t.to_vec(), named, elem: None, name: op.into() };
    find(op).unwrap().build(b, &call)
}

fn refused(b: &mut GraphBuilder, op: &str, t: &[NodeId], named: &[(&str, Arg)]) -> (At, String) {
    let e = call(b, op, t, named).unwrap_err();
    (e.at, e.message)
}

fn input(b: &mut GraphBuilder, elem: Elem, dims: &[usize]) -> NodeId {
    b.input("x", elem, Shape::new(dims), false)
}

fn weight(b: &mut GraphBuilder, elem: Elem, dims: &[usize]) -> NodeId {
    b.weight("w", elem, Shape::new(dims), Layout::InOut)
}

fn named(name: &str) -> At {
    At::Named(name.into())
}

#[test]
fn convolutions() {
    let mut b = GraphBuilder::new("t");
    let b = &mut b;
    let x = input(b, Elem::I8, &[4, 9, 8]);
    let w = weight(b, Elem::I8, &[6, 4, 3, 5]);
    let bias = weight(b, Elem::I24, &[6]);
    let both = |h, w| Arg::Ints(vec![h, w]);
    let y = call(b, "conv2d", &[x, w, bias], &[("stride", both(2, 1)), ("padding", Arg::Int(1))]).unwrap()[0];
    assert_eq!(b.ty(y).shape.dims(), [6, 5, 6]);
    let y = call(b, "conv2d", &[x, w], &[]).unwrap()[0];
    let ty = b.ty(y).clone();
    assert_eq!((ty.shape.dims(), ty.elem), (&[6, 7, 4][..], Elem::Acc));
    assert_eq!(ty.interval, Interval::new(-128 * 127, 128 * 128).scale(60));
    assert_eq!(ty.step, b.ty(x).step.times(&b.ty(w).step));

    let e = refused(b, "conv2d", &[x, w], &[("stride", both(0, 1))]);
    assert_eq!(e, (named("stride"), "`stride` must be 1 or more, got 0".into()));
    let e = refused(b, "conv2d", &[x, w], &[("padding", Arg::Ints(vec![1, 1, 1]))]);
    assert_eq!(e, (named("padding"), "`padding` is one integer or two, for height and width, got 3".into()));
    let e = refused(b, "conv2d", &[x, w], &[("groups", Arg::Int(3))]);
    assert_eq!(e, (named("groups"), "`groups` must divide 4 input and 6 output channels, got 3".into()));
    let e = refused(b, "conv2d", &[x, w], &[("groups", Arg::Int(2))]);
    assert_eq!(e, (At::Tensor(1), "`conv2d` needs equal channels: expected a weight with 2, got 4".into()));
    let e = refused(b, "conv2d", &[x, w], &[("dilation", Arg::Int(5))]);
    let inside = "`conv2d` needs a window inside the input: a height of 9 with padding 0 on both sides, a window of 11";
    assert_eq!(e, (At::Call, inside.into()));
    let flat = weight(b, Elem::I8, &[6, 4]);
    let e = refused(b, "conv2d", &[x, flat], &[]);
    assert_eq!(e, (At::Tensor(1), "`w` of `conv2d` is [CO, CI / groups, KH, KW], got [6, 4]".into()));
    let e = refused(b, "conv2d", &[flat, w], &[]);
    assert_eq!(e, (At::Tensor(0), "`conv2d` takes [C, H, W] or [N, C, H, W], got [6, 4]".into()));
    let e = refused(b, "conv2d", &[y, w], &[]);
    assert_eq!(e, (At::Tensor(0), "`conv2d` takes I8, I12, I16 or U8, got `Acc`".into()));
    let few = weight(b, Elem::I24, &[4]);
    let e = refused(b, "conv2d", &[x, w, few], &[]);
    let expected = "`b` has one value for each output channel: expected [6], got [4]";
    assert_eq!(e, (At::Tensor(2), expected.into()));
    let (wide, wide_w) = (input(b, Elem::I16, &[512, 9, 9]), weight(b, Elem::I8, &[1, 512, 3, 3]));
    let e = call(b, "conv2d", &[wide, wide_w], &[]).unwrap_err();
    assert_eq!(e.message, "sum can leave (-2^30, 2^30)");
    assert_eq!(e.notes, ["x: I16, w: I8, 512 * 3 * 3 taps: 4608 * 2^15 * 2^7 = 2^34.2"]);
}

#[test]
fn pools() {
    let mut b = GraphBuilder::new("t");
    let b = &mut b;
    let x = input(b, Elem::I8, &[4, 9, 8]);
    let y = call(b, "max_pool", &[x], &[("kernel", Arg::Int(2))]).unwrap()[0];
    assert_eq!((b.ty(y).shape.dims(), b.ty(y).elem), (&[4, 4, 4][..], Elem::I8));
    for op in ["max_pool", "avg_pool"] {
        let e = refused(b, op, &[x], &[("kernel", Arg::Int(3)), ("padding", Arg::Int(2))]);
        let half = "`padding` is at most half the kernel: expected at most 1, got 2";
        assert_eq!(e, (named("padding"), half.into()));
        let e = refused(b, op, &[x], &[]);
        assert_eq!(e, (At::Op, format!("`{op}` needs `kernel = ..`, an integer")));
        let e = refused(b, op, &[x], &[("kernel", Arg::Int(9))]);
        assert!(e.1.contains("a width of 8 with padding 0 on both sides, a window of 9"), "{}", e.1);
    }
    let wide = input(b, Elem::I16, &[4, 9, 8]);
    let e = refused(b, "max_pool", &[wide], &[("kernel", Arg::Int(2))]);
    assert_eq!(e, (At::Tensor(0), "`max_pool` takes I8, I12 or U8, got `I16`".into()));
    let large = input(b, Elem::I16, &[1, 256, 256]);
    let e = refused(b, "global_avg_pool", &[large], &[]);
    assert_eq!(e, (At::Call, "sum can leave (-2^30, 2^30)".into()));
    let flat = input(b, Elem::I8, &[4, 9]);
    let e = refused(b, "global_avg_pool", &[flat], &[]);
    assert_eq!(e, (At::Tensor(0), "`global_avg_pool` takes [C, H, W] or [N, C, H, W], got [4, 9]".into()));
    let (scale, shift) = (weight(b, Elem::I8, &[4]), weight(b, Elem::I24, &[3]));
    let e = refused(b, "batch_norm", &[x, scale, shift], &[]);
    assert_eq!(e, (At::Tensor(2), "`shift` has one value for each channel: expected [4], got [3]".into()));
}

#[test]
fn gathers() {
    let mut b = GraphBuilder::new("t");
    let b = &mut b;
    let x = input(b, Elem::I8, &[4, 9]);
    let positive = input(b, Elem::U8, &[4, 9]);
    let axis = ("axis", Arg::Int(1));
    let e = refused(b, "gather", &[x], &[("index", Arg::Ints(vec![0, 9])), axis.clone()]);
    assert_eq!(e, (named("index"), "an index must be in 0..9, got 9".into()));
    let e = refused(b, "gather", &[x], &[("index", Arg::Ints(vec![]))]);
    assert_eq!(e, (named("index"), "`index` lists no entry".into()));
    let y = call(b, "pad", &[positive], &[axis.clone(), ("after", Arg::Int(3))]).unwrap()[0];
    assert_eq!((b.ty(y).shape.dims(), b.ty(y).interval), (&[4, 12][..], Interval::new(0, 255)));
    let e = refused(b, "pad", &[x], &[axis.clone(), ("before", Arg::Int(-1))]);
    assert_eq!(e, (named("before"), "`before` must be in 0..=65536, got -1".into()));
    let range = ("range", Arg::Range(1, 8));
    let y = call(b, "slice", &[x], &[axis.clone(), range.clone(), ("step", Arg::Int(3))]).unwrap()[0];
    assert_eq!(b.ty(y).shape.dims(), [4, 3]);
    let e = refused(b, "slice", &[x], &[axis.clone(), range, ("step", Arg::Int(0))]);
    assert_eq!(e, (named("step"), "`step` must be positive, got 0".into()));
    let e = refused(b, "split", &[x], &[axis.clone(), ("parts", Arg::Int(2))]);
    assert_eq!(e, (named("parts"), "`parts` must be 2 or more and divide 9, got 2".into()));
    let e = refused(b, "split", &[x], &[axis.clone(), ("sizes", Arg::Ints(vec![4, 4]))]);
    let sizes = "`sizes` must be two or more positive extents that add up to 9, got [4, 4]";
    assert_eq!(e, (named("sizes"), sizes.into()));
    let e = refused(b, "split", &[x], std::slice::from_ref(&axis));
    assert_eq!(e, (At::Call, "`split` needs `parts = ..` or `sizes = [..]`, one of them".into()));
    assert_eq!(call(b, "split", &[x], &[axis, ("parts", Arg::Int(3))]).unwrap().len(), 3);
}
