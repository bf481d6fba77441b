use crate::elem::Elem;
use crate::exec::run;
use crate::float::{eval, FloatTensor};
use crate::graph::{Graph, GraphBuilder, Op, Params, Rescale};
use crate::ops::quantize::scale::{ratio, Admissible};
use crate::ops::{find, Arg, At, Call, OpError};
use crate::shape::Shape;
use crate::testing::Random;

fn rope(elem: Elem, to: Option<Elem>, dims: &[usize], named: &[(&str, Arg)]) -> Result<Graph, OpError> {
    let mut b = GraphBuilder::new("t");
    let x = b.input("x", elem, Shape::new(dims), false);
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: vec![x], named, elem: to, name: "rope".into() };
    let y = find("rope").unwrap().build(&mut b, &call)?[0];
    b.output("y", y);
    Ok(b.finish())
}

/// Llama 3's frequencies, from their definition in f64.
fn frequency(theta: f64, i: usize, d: usize, stretch: Option<[f64; 4]>) -> f64 {
    let f = theta.powf(-2.0 * i as f64 / d as f64);
    let Some([factor, low, high, original]) = stretch else { return f };
    let wavelength = 2.0 * std::f64::consts::PI / f;
    if wavelength < original / high {
        f
    } else if wavelength > original / low {
        f / factor
    } else {
        let s = (original / wavelength - low) / (high - low);
        (1.0 - s) * f / factor + s * f
    }
}

#[test]
fn pairs_are_turned_by_their_position() {
    let llama = [32.0, 1.0, 4.0, 8192.0];
    for (elem, to, dims, heads, interleaved, start, theta, stretch) in [
        (Elem::I8, Elem::I8, vec![5, 16], 2usize, false, 0usize, 10_000.0, None),
        (Elem::I12, Elem::I8, vec![3, 4, 32], 2, false, 1, 10_000.0, None),
        (Elem::I16, Elem::I8, vec![5, 16], 1, false, 0, 10_000.0, None),
        (Elem::I12, Elem::I12, vec![2, 7, 24], 3, false, 3, 10_000.0, None),
        (Elem::I12, Elem::I16, vec![6, 12], 2, true, 0, 500.0, None),
        (Elem::I16, Elem::I16, vec![3, 64], 1, false, 8000, 500_000.0, Some(llama)),
        (Elem::I16, Elem::I12, vec![4, 128], 2, true, 70_000, 500_000.0, Some(llama)),
    ] {
        let d = dims.last().unwrap() / heads;
        let mut named = vec![
            ("heads", Arg::Int(heads as i64)),
            ("theta", Arg::Real(theta)),
            ("interleaved", Arg::Bool(interleaved)),
            ("start", Arg::Int(start as i64)),
        ];
        let names = ["factor", "low", "high", "original"];
        named.extend(stretch.into_iter().flatten().zip(names).map(|(v, n)| (n, Arg::Real(v))));
        let g = rope(elem, Some(to), &dims, &named).unwrap();
        let mut r = Random(7);
        let n: usize = dims.iter().product();
        let hi = elem.interval().hi;
        let x: Vec<i32> = (0..n).map(|_| r.between(-hi, hi) as i32).collect();
        let bits = match (elem, to) {
            (_, Elem::I8) => 9,
            (Elem::I16, _) => 13,
            _ => 14,
        };
        // The result in units of x, or as many times coarser as its element asks for.
        let coarse = (bits + 1 + elem.interval().hi.ilog2() as i32 - to.interval().hi.ilog2() as i32)
            .clamp(bits, if to == Elem::I16 { 14 } else { 15 });
        let params =
            Params { rescales: vec![Rescale { m: 1, s: coarse as u32 }], steps: vec![1.0; g.steps.len()] };
        let input = crate::tensor::IntTensor::new(Shape::new(dims.clone()), elem, &x).unwrap();
        let got = run(&g, &params, &[], &[input]).unwrap()[0].to_vec();
        let float = eval(
            &g,
            &[],
            &[FloatTensor::new(Shape::new(dims.clone()), x.iter().map(|&v| v as f32).collect())],
        );
        let float = float.unwrap().remove(0).data;
        let tokens = dims[dims.len() - 2];
        for at in 0..n {
            let (p, k) = (at / (heads * d) % tokens + start, at % d);
            let (other, i, sign) = match interleaved {
                true => (at ^ 1, k / 2, if k % 2 == 0 { -1.0 } else { 1.0 }),
                false if k < d / 2 => (at + d / 2, k, -1.0),
                false => (at - d / 2, k - d / 2, 1.0),
            };
            let angle = p as f64 * frequency(theta, i, d, stretch);
            let (a, b) = (x[at] as f64, x[other] as f64);
            let want = a * angle.cos() + sign * b * angle.sin();
            let table = (a.abs() + b.abs()) / 2f64.powi(bits + 1);
            // f64 loses digits of large angles.
            let angle_error = (a.abs() + b.abs()) * angle * 4e-16;
            let unit = 2f64.powi(coarse - bits);
            let range = to.interval();
            let clamped = (want / unit).clamp(range.lo as f64, range.hi as f64);
            assert!(
                (got[at] as f64 - clamped).abs() <= 0.5 + (table + angle_error) / unit + 1e-9,
                "{dims:?} {at}: {} {clamped}",
                got[at]
            );
            assert!((float[at] as f64 - want).abs() <= table + angle_error + 1e-5 * hi as f64, "{at}");
        }
    }
}

#[test]
fn halves_are_swapped_by_a_view() {
    let g = rope(Elem::I12, Some(Elem::I8), &[64, 576], &[("heads", Arg::Int(9))]).unwrap();
    let params = Params { rescales: vec![Rescale { m: 1, s: 12 }], steps: vec![1.0; g.steps.len()] };
    let lowered = crate::lower::lower(&g, &params).unwrap();
    let cells = lowered.plan.cells(|s| *s == crate::plan::Source::Trace);
    assert_eq!(cells, 3 * 64 * 576, "q, r and y of one rescale");
    assert!(g.nodes.iter().any(|n| matches!(n.op, Op::Constant(_))));
}

/// The shift that an I8 result needs leaves the multiplier bits: a wanted step is met within an eighth.
#[test]
fn eight_bits_come_in_almost_any_step() {
    for elem in [Elem::I8, Elem::I12] {
        let g = rope(elem, Some(Elem::I8), &[4, 16], &[]).unwrap();
        let quantised = g.nodes.iter().find(|n| matches!(n.op, Op::Quantize { .. })).unwrap();
        let Op::Quantize { to, window, .. } = quantised.op else { unreachable!() };
        let a = Admissible::new(g.ty(quantised.args[0]).interval, to, window);
        // From the whole range of x to a third of it.
        let whole = to.interval().hi as f64 / elem.interval().hi as f64 / 512.0;
        for i in 0..100 {
            let wanted = whole * (1.0 + i as f64 / 50.0);
            let got = ratio(a.choose(wanted).unwrap());
            assert!((got / wanted - 1.0).abs() < 0.126, "{elem}: {got:e} {wanted:e}");
        }
    }
}

#[test]
fn what_cannot_be_turned_is_named() {
    let refused = |to, dims: &[usize], named: &[(&str, Arg)]| {
        let e = rope(Elem::I8, to, dims, named).unwrap_err();
        (e.at, e.message)
    };
    let (at, message) = refused(Some(Elem::I8), &[4, 12], &[("heads", Arg::Int(4))]);
    assert_eq!(at, At::Named("heads".into()));
    assert_eq!(message, "`rope` turns pairs: 12 columns are no 4 heads of even width");
    let (_, message) = refused(Some(Elem::I8), &[4, 12], &[]);
    assert_eq!(message, "halves of 12 columns are no free view; a head's width is a power of two");
    let (_, message) = refused(Some(Elem::U8), &[4, 16], &[]);
    assert_eq!(message, "`rope` gives I8, I12 or I16, got `U8`");
    let (at, message) = refused(Some(Elem::I8), &[4, 16], &[("factor", Arg::Real(8.0))]);
    assert_eq!(at, At::Named("factor".into()));
    assert_eq!(message, "`factor`, `low`, `high` and `original` go together, got `factor`");
    let (_, message) = refused(Some(Elem::I8), &[4, 16], &[("theta", Arg::Real(0.5))]);
    assert_eq!(message, "`theta` must be at least 1, got 0.5");
    let (_, message) = refused(Some(Elem::I8), &[4, 16], &[("start", Arg::Int(1 << 17))]);
    assert_eq!(message, "positions 131072 to 131076 are not below 131072");
    assert!(refused(Some(Elem::I8), &[16], &[]).1.starts_with("`rope` takes [.., t, h d]"));
}
