//! Pools.

use super::conv::{both, Windows};
use super::views::zeros_around;
use super::{live, Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::Node;
use crate::program::{Arg, Ref};
use ndarray::{ArrayD, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op { names: &["MaxPool"], infer: shape, lift: max_pool },
    Op { names: &["AveragePool"], infer: shape, lift: average_pool },
    Op { names: &["GlobalAveragePool"], infer: global_shape, lift: |l, n| global(l, n, "mean") },
    Op { names: &["GlobalMaxPool"], infer: global_shape, lift: |l, n| global(l, n, "max") },
];

fn windows(at: &crate::net::Attributes, x: &[usize]) -> Result<Windows, Refusal> {
    let kernel = at.ints("kernel_shape").ok_or_else(|| Refusal::new("kernel_shape is missing"))?;
    let kernel: Option<Vec<usize>> =
        kernel.iter().map(|&k| usize::try_from(k).ok().filter(|&k| k > 0)).collect();
    Windows::new(at, x, kernel.ok_or_else(|| Refusal::new("a kernel of no extent"))?)
}

fn shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    if i.outputs > 1 {
        return Err(Refusal::new("the indices of the largest"));
    }
    let x = i.dims(0)?;
    let windows = windows(&i.node.attributes, x)?;
    live(i, [&x[..2], &windows.out].concat())
}

/// The padding that zkml's windows take, the rest as zeros around x; windows that reach beyond (`ceil_mode`) get more of it.
fn padded(l: &mut Lift, x: Ref, w: &Windows) -> Result<(Ref, Vec<usize>), Refusal> {
    let dims = l.dims(x)?;
    let reach = |i: usize| (w.out[i] - 1) * w.stride[i] + w.dilation[i] * (w.kernel[i] - 1) + 1;
    let pads: Vec<[usize; 2]> = (0..2)
        .map(|i| [w.pads[i][0], w.pads[i][1].max(reach(i).saturating_sub(dims[2 + i] + w.pads[i][0]))])
        .collect();
    let half = |i: usize| pads[i][0] == pads[i][1] && 2 * pads[i][0] <= w.kernel[i];
    if (0..2).all(half) {
        return Ok((x, vec![pads[0][0], pads[1][0]]));
    }
    let mut x = x;
    for (i, &pads) in pads.iter().enumerate() {
        x = zeros_around(l, x, 2 + i, pads)?;
    }
    Ok((x, vec![0, 0]))
}

/// x with two spatial axes.
fn planes(l: &mut Lift, n: &Node, elems: &[Elem]) -> Result<(Ref, Windows), Refusal> {
    let v = l.input(n, 0)?;
    let dims = l.net.dims(v).to_vec();
    let windows = windows(&n.attributes, &dims)?.two();
    let x = l.get(v)?;
    let x = match &dims[..] {
        &[b, c, w] => l.reshaped(x, &[b, c, 1, w])?,
        _ => x,
    };
    Ok((l.sized(x, elems)?, windows))
}

fn max_pool(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let act = match l.widths.activations {
        Elem::I16 => Elem::I12,
        other => other,
    };
    let (x, w) = planes(l, n, &[act, Elem::I8, Elem::I12, Elem::U8])?;
    if w.dilation.iter().any(|&d| d != 1) {
        return Err(Refusal::new("windows with holes"));
    }
    // Zeros around never win where nothing is negative.
    let least = l.interval(x)?.lo;
    let before = l.dims(x)?;
    let (x, padding) = padded(l, x, &w)?;
    if l.dims(x)? != before && least < 0 {
        return Err(Refusal::new(
            "padding that differs from side to side, or is large, of values that may be negative",
        )
        .help("pool after a ReLU, or pad alike on all sides"));
    }
    let same = w.stride == w.kernel;
    let y = l
        .call("max_pool")
        .arg("kernel", both(&w.kernel))
        .arg_if(!same, "stride", both(&w.stride))
        .arg_if(padding != [0, 0], "padding", both(&padding))
        .of([x])?;
    l.give(n, 0, y)
}

fn average_pool(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let act = l.widths.activations;
    let (x, w) = planes(l, n, &[act, Elem::I8, Elem::I12, Elem::I16, Elem::U8])?;
    if w.dilation.iter().any(|&d| d != 1) {
        return Err(Refusal::new("windows with holes"));
    }
    let dims = l.dims(x)?;
    let counted = n.attributes.flag("count_include_pad", false);
    let (x, padding) = padded(l, x, &w)?;
    let same = w.stride == w.kernel;
    let y = l
        .call("avg_pool")
        .arg("kernel", both(&w.kernel))
        .arg_if(!same, "stride", both(&w.stride))
        .arg_if(padding != [0, 0], "padding", both(&padding))
        .of([x])?;
    // zkml divides by the window's size; where less of it counts, the mean is larger.
    let inside = |i: usize, o: usize| {
        let start = o * w.stride[i];
        let [before, after] = w.pads[i];
        let (first, last) =
            if counted { (0, dims[2 + i] + before + after) } else { (before, before + dims[2 + i]) };
        (start..start + w.kernel[i]).filter(|&p| p >= first && p < last).count()
    };
    let size = (w.kernel[0] * w.kernel[1]) as f32;
    let mut factors = vec![];
    for oh in 0..w.out[0] {
        for ow in 0..w.out[1] {
            factors.push(size / (inside(0, oh) * inside(1, ow)).max(1) as f32);
        }
    }
    let y = match factors.iter().all(|&f| f == 1.0) {
        true => y,
        false => {
            let factors = ArrayD::from_shape_vec(IxDyn(&[w.out[0], w.out[1]]), factors).expect("as many");
            let y = l.sized(y, &[Elem::I16])?;
            let factors = l.weight("", "window_sizes", &factors, Elem::I12, Layout::InOut)?;
            l.call("mul").of([y, factors])?
        }
    };
    l.give(n, 0, y)
}

fn global_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let x = i.dims(0)?;
    if x.len() < 3 {
        return Err(Refusal::new(format!("a pool over {x:?}")));
    }
    let ones = vec![1; x.len() - 2];
    live(i, [&x[..2], &ones].concat())
}

fn global(l: &mut Lift, n: &Node, op: &'static str) -> Result<(), Refusal> {
    let x = l.read_narrow(n, 0)?;
    let dims = l.dims(x)?;
    let flat = [dims[0], dims[1], dims[2..].iter().product()];
    let y = match op {
        "mean" => {
            let axes = (2..dims.len() as i64).collect();
            l.call("mean").arg("axes", Arg::Ints(axes)).arg("keep", Arg::Bool(true)).of([x])?
        }
        _ => {
            let x = l.reshaped(x, &flat)?;
            l.call(op).arg("axis", Arg::Int(2)).of([x])?
        }
    };
    l.give(n, 0, y)
}
