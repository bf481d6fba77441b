//! fp8 codes and values, bit by bit, against the formats' definitions in doubles.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{run, trace, RunError};
use zkml_ir::graph::NodeId;
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::tensor::IntTensor;

fn op(g: &mut Model, name: &str, x: NodeId, scale: Option<f64>) -> NodeId {
    let named = scale.map(|s| ("scale".to_string(), Arg::Real(s))).into_iter().collect();
    let call = Call { tensors: vec![x], named, name: format!("{name}0"), ..Call::default() };
    find(name).unwrap().build(&mut g.b, &call).unwrap()[0]
}

/// (name, bias, mantissa bits, largest)
const FORMATS: [(&str, i32, i32, f64); 2] = [("e4m3", 7, 3, 448.0), ("e5m2", 15, 2, 57344.0)];

/// The value of a code; `None` where it is no finite number.
fn value((_, bias, b, most): (&str, i32, i32, f64), code: i32) -> Option<f64> {
    let (e, m) = (code >> b & (0x7f >> b), code % (1 << b));
    let v = if e == 0 {
        m as f64 * 2f64.powi(1 - bias - b)
    } else {
        ((1 << b) + m) as f64 * 2f64.powi(e - bias - b)
    };
    (v <= most).then_some(if code >= 128 { -v } else { v })
}

fn nearest(format: (&str, i32, i32, f64), v: f64, negative: bool) -> i32 {
    let codes = (0..256).filter(|c| (*c >= 128) == negative);
    let off = |c: i32| value(format, c).map(|x| (x - v).abs());
    let best = codes.filter_map(|c| off(c).map(|o| (o, c % 2, c)));
    best.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).unwrap().2
}

fn fill(case: &mut Case, elem: Elem, f: impl Fn(usize) -> i32) {
    let shape = case.inputs[0].shape().clone();
    let values: Vec<i32> = (0..shape.len()).map(f).collect();
    case.inputs[0] = IntTensor::new(shape, elem, &values).unwrap();
}

#[test]
fn codes_are_the_nearest() {
    let mut rng = Rng(61);
    for format in FORMATS {
        for elem in [Elem::I8, Elem::I12, Elem::I16, Elem::U8] {
            for scale in [None, Some(1.0), Some(0.037), Some(1e-4)] {
                let mut g = Model::new(rng.next());
                let x = g.input_as(elem, &[257], 0.5, rng.below(2) == 1);
                let y = op(&mut g, &format!("quantize_fp8_{}", format.0), x, scale);
                let most = elem.interval().max_abs() as f64;
                let used = scale.unwrap_or_else(|| 0.5 / g.ty(y).step.coef);
                if scale.is_none() {
                    assert!(most * used <= format.3 && (used == 1.0 || most * used * 2.0 > format.3));
                    assert_eq!(used.log2().fract(), 0.0);
                }
                assert_eq!((g.ty(y).elem, g.ty(y).interval), (Elem::U8, Interval::new(0, 255)));
                assert!((g.ty(y).step.coef * used / 0.5 - 1.0).abs() < 1e-12);
                let mut case = g.finish(y);
                let check = |case: &mut Case| {
                    let code = |&x: &i32| nearest(format, x as f64 * used, x < 0);
                    let want: Vec<i32> = case.inputs[0].to_vec().iter().map(code).collect();
                    assert_eq!(case.verify(), want, "{} {elem} {scale:?}", format.0);
                    // Half a unit of the mantissa, or of the smallest number.
                    for (x, c) in case.inputs[0].to_vec().iter().zip(want) {
                        let v = (*x as f64 * used).clamp(-format.3, format.3);
                        let least = 2f64.powi(-format.1 - format.2);
                        let off = (value(format, c).unwrap() - v).abs();
                        assert!(off <= (v.abs() * 0.5f64.powi(format.2 + 1)).max(least), "{x} {c}");
                    }
                };
                check(&mut case);
                let Interval { lo, hi } = elem.interval();
                fill(&mut case, elem, |i| (i as i64 - 128).clamp(lo, hi) as i32);
                check(&mut case);
                fill(&mut case, elem, |i| [lo, hi, lo + 1, hi - 1][i % 4] as i32);
                check(&mut case);
            }
        }
    }
}

#[test]
fn values_of_all_codes() {
    for (format, elem, unit) in [(FORMATS[0], Elem::I24, -9), (FORMATS[1], Elem::Acc, -14)] {
        let name = format!("dequantize_{}", format.0);
        let codes: Vec<i32> = (0..256).filter(|&c| value(format, c).is_some()).collect();
        let mut g = Model::new(1);
        let x = g.input(Elem::U8, &[codes.len()], 0.25);
        let y = op(&mut g, &name, x, None);
        let most = (format.3 * 2f64.powi(-unit)) as i64;
        assert_eq!((g.ty(y).elem, g.ty(y).interval), (elem, Interval::new(-most, most)));
        assert_eq!(g.ty(y).step.coef, 0.25 * 2f64.powi(unit));
        let mut case = g.finish(y);
        fill(&mut case, Elem::U8, |i| codes[i]);
        let exact = |&c: &i32| value(format, c).unwrap() * 2f64.powi(-unit);
        let got = case.verify();
        assert_eq!(got, codes.iter().map(|c| exact(c).round_ties_even() as i32).collect::<Vec<_>>());
        assert!(format.0 != "e4m3" || codes.iter().zip(&got).all(|(c, &v)| exact(c) == v as f64));

        // What is no number has no row: neither run nor proven.
        for code in (0..256).filter(|&c| value(format, c).is_none()) {
            fill(&mut case, Elem::U8, |i| if i == 3 { code } else { 0 });
            let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
            let what = format!("code {code:#04x} at index 3 is no number of {}", format.0);
            assert_eq!(e, RunError::Unprovable { name: format!("{name}0"), what });
            let l = case.lower();
            assert!(trace(&case.graph, &l, &case.params, &case.weights, &case.inputs).is_err());
        }
    }
}

/// Codes of integers that fp8 can hold are read back exactly.
#[test]
fn a_round_trip_through_fp8() {
    for (name, bits) in [("e4m3", 4), ("e5m2", 3)] {
        let mut g = Model::new(2);
        let x = g.input(Elem::I12, &[64], 0.5);
        let c = op(&mut g, &format!("quantize_fp8_{name}"), x, Some(0.125));
        let y = op(&mut g, &format!("dequantize_{name}"), c, None);
        let unit = 0.5 / g.ty(y).step.coef;
        let mut case = g.finish(y);
        // Mantissas of `bits` bits.
        fill(&mut case, Elem::I12, |i| {
            ((i as i32 % (1 << bits)) << (i / 16)) * if i % 3 == 0 { -1 } else { 1 }
        });
        let want: Vec<i32> = case.inputs[0].to_vec().iter().map(|&x| (x as f64 * unit) as i32).collect();
        assert_eq!(case.verify(), want);
    }
}
