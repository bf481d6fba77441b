//! Functions of one integer against real numbers: half a unit, for every type, in small steps and large.

mod common;

use common::{Case, Model};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{run, RunError};
use zkml_ir::graph::{NodeId, Op};
use zkml_ir::lower::{lower, LowerError};
use zkml_ir::ops::{find, Arg, Call};

const TABLED: [Elem; 4] = [Elem::I8, Elem::I12, Elem::I16, Elem::U8];
const LARGEST: f64 = 32767.0;

fn op(g: &mut Model, name: &str, x: NodeId, named: &[(&str, Arg)]) -> NodeId {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: vec![x], named, name: format!("f{x}"), ..Call::default() };
    find(name).unwrap().build(&mut g.b, &call).unwrap()[0]
}

/// A call with its function of real numbers.
type Function = (&'static str, Vec<(&'static str, Arg)>, fn(f64) -> f64);

fn functions() -> Vec<Function> {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    vec![
        ("sigmoid", vec![], sigmoid),
        ("silu", vec![], |x| x / (1.0 + (-x).exp())),
        ("tanh", vec![], f64::tanh),
        ("gelu", vec![("tanh", Arg::Bool(true))], |x| {
            0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh())
        }),
        ("abs", vec![], f64::abs),
        ("clamp", vec![("lo", Arg::Int(-3)), ("hi", Arg::Int(6))], |x| x.clamp(-3.0, 6.0)),
        ("rsqrt", vec![], |x| if x <= 0.0 { f64::INFINITY } else { 1.0 / x.sqrt() }),
        ("rsqrt", vec![("bits", Arg::Int(14))], |x| if x <= 0.0 { f64::INFINITY } else { 1.0 / x.sqrt() }),
        ("reciprocal", vec![], |x| if x == 0.0 { f64::INFINITY } else { 1.0 / x }),
        ("reciprocal", vec![("bits", Arg::Int(20))], |x| if x == 0.0 { f64::INFINITY } else { 1.0 / x }),
    ]
}

/// Every output within half a unit of the function of its argument, or saturated.
fn half_a_unit(case: &Case, x: NodeId, y: NodeId, xs: &[i32], ys: &[i32], f: fn(f64) -> f64, what: &str) {
    let (tx, ty) = (case.graph.ty(x), case.graph.ty(y));
    for (x, y) in xs.iter().zip(ys) {
        let real = f(*x as f64 * tx.step.coef) / ty.step.coef;
        let want = real.clamp(ty.interval.lo as f64, ty.interval.hi as f64);
        assert!((*y as f64 - want).abs() <= 0.5 + 1e-6, "{what} of {x} in {}: {y} {want}", tx.step.coef);
    }
    assert_eq!(xs.len(), ys.len());
}

#[test]
fn functions_of_a_stored_tensor() {
    for (i, (name, named, f)) in functions().into_iter().enumerate() {
        for elem in TABLED {
            for step in [1e-9, 3e-5, 0.0021, 0.05, 1.3, 1e9] {
                let mut g = Model::new(i as u64);
                let x = g.input(elem, &[3, 7, 5], step);
                let y = op(&mut g, name, x, &named);
                let mut case = g.finish(y);
                let xs = case.inputs[0].to_vec();
                let ys = case.verify();
                half_a_unit(&case, x, y, &xs, &ys, f, name);
            }
        }
    }
}

/// q alone: the table clamps it, and the quantisation's result is no cell. With a second reader it is one.
#[test]
fn functions_fused_and_not() {
    for (i, (name, named, f)) in functions().into_iter().enumerate() {
        for (to, window, again) in [
            (Elem::I8, 16, false),
            (Elem::U8, 12, false),
            (Elem::I12, 14, false),
            (Elem::I8, 10, true),
            (Elem::I16, 17, false),
        ] {
            let mut g = Model::new(100 + i as u64);
            let x = g.input(Elem::I8, &[4, 6], 0.1);
            let w = g.weight(Elem::I8, &[6, 7], 0.1);
            let acc = g.matmul(x, w);
            let s = (1..).find(|s| g.ty(acc).interval.max_abs() >> s < 1 << (window - 2)).unwrap();
            let q = g.quantize(acc, to, window, 1, s);
            let y = op(&mut g, name, q, &named);
            if again {
                g.b.output("q", q);
            }
            let mut case = g.finish(y);
            let out = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap();
            let (a, b) = (case.inputs[0].to_vec(), case.weights[0].to_vec());
            let range = to.interval();
            let qs: Vec<i32> = (0..28)
                .map(|i| (0..6).map(|k| a[i / 7 * 6 + k] as i64 * b[k * 7 + i % 7] as i64).sum::<i64>())
                .map(|acc| ((acc + (1 << (s - 1))) >> s).clamp(range.lo, range.hi) as i32)
                .collect();
            let ys = out.last().unwrap().to_vec();
            half_a_unit(&case, q, y, &qs, &ys, f, name);
            let cells =
                |role: &str| case.lower().plan.tensors.iter().filter(|t| t.name.ends_with(role)).count();
            // The function's y, and the quantisation's unless it is the function's business.
            assert_eq!(cells("/y"), if again { 2 } else { 1 }, "{name} {window}");
            case.verify();
        }
    }
}

#[test]
fn absolute_values_and_bounds_are_exact() {
    for elem in TABLED {
        let mut g = Model::new(3);
        let x = g.input(elem, &[5, 41], 0.25);
        let y = op(&mut g, "abs", x, &[]);
        let mut case = g.finish(y);
        let most = elem.interval().hi as i32;
        let want: Vec<i32> = case.inputs[0].to_vec().iter().map(|x| x.abs().min(most)).collect();
        assert_eq!(case.verify(), want, "{elem}");
        // Bounds at a half, beyond what the type holds on one side or both, of one sign, equal, tiny and huge.
        for (lo, hi) in [
            (-1.0, 6.0),
            (-0.125, 0.125),
            (-1e300, 1e300),
            (-1e300, 3.0),
            (0.0, 6.0),
            (-6.0, -0.0),
            (2.0, 5.0),
            (-5.0, -2.0),
            (1e6, 1e7),
            (0.3, 0.3),
            (-5e-324, 5e-324),
        ] {
            let mut g = Model::new(5);
            let x = g.input(elem, &[3, 43], 0.25);
            let y = op(&mut g, "clamp", x, &[("lo", Arg::Real(lo)), ("hi", Arg::Real(hi))]);
            let mut case = g.finish(y);
            let i: Interval = elem.interval();
            let end = |v: f64| ((v / 0.25).round().clamp(i.lo as f64, i.hi as f64)) as i32;
            let want: Vec<i32> =
                case.inputs[0].to_vec().iter().map(|x| *x.max(&end(lo)).min(&end(hi))).collect();
            assert_eq!(case.verify(), want, "{elem} [{lo}, {hi}]");
        }
    }
}

/// The values that a function has no business with, or saturates at.
#[test]
fn poles_and_limits() {
    for (name, named, step, want) in [
        ("rsqrt", vec![], 0.01, vec![(-128, LARGEST), (-1, LARGEST), (0, LARGEST), (1, 2560.0), (4, 1280.0)]),
        ("reciprocal", vec![], 0.5, vec![(-128, -4.0), (-1, -512.0), (0, LARGEST), (1, 512.0), (127, 4.0)]),
        ("reciprocal", vec![("bits", Arg::Int(20))], 0.5, vec![(-2, -LARGEST), (-1, -LARGEST), (1, LARGEST)]),
        ("tanh", vec![], 1.0, vec![(-128, -LARGEST), (0, 0.0), (127, LARGEST)]),
        ("sigmoid", vec![], 1.0, vec![(-128, 0.0), (0, 16384.0), (127, LARGEST)]),
        ("silu", vec![], 1.0, vec![(-128, 0.0), (-2, 0.0), (0, 0.0), (127, 127.0)]),
        ("abs", vec![], 1.0, vec![(-128, 127.0), (-127, 127.0), (0, 0.0)]),
    ] {
        let mut g = Model::new(7);
        let x = g.input(Elem::I8, &[1, want.len()], step);
        let y = op(&mut g, name, x, &named);
        let mut case = g.finish(y);
        let xs: Vec<i32> = want.iter().map(|w| w.0).collect();
        case.inputs[0] =
            zkml_ir::tensor::IntTensor::new(case.inputs[0].shape().clone(), Elem::I8, &xs).unwrap();
        let ys: Vec<f64> = want.iter().map(|w| w.1).collect();
        assert_eq!(case.verify().iter().map(|y| *y as f64).collect::<Vec<_>>(), ys, "{name}");
    }
}

#[test]
fn squares_have_a_proven_sign() {
    for (elem, window) in [(Elem::I8, 16), (Elem::U8, 16), (Elem::I12, 20)] {
        for copied in [false, true] {
            let mut g = Model::new(19);
            let x = g.input(elem, &[5, 7], 0.1);
            let x = if copied { g.view(Op::Slice { axis: 1, start: 1, end: 6 }, &[x], &[5, 5]) } else { x };
            let y = op(&mut g, "square", x, &[]);
            let most = elem.interval().max_abs().pow(2);
            assert_eq!(g.ty(y).interval, Interval::new(0, most));
            let s = (1..).find(|s| most >> s < 1 << (window - 2)).unwrap();
            let q = g.quantize(y, Elem::I16, window, 1, s);
            let mut case = g.finish(q);
            let products: Vec<_> = case
                .lower()
                .plan
                .constraints
                .iter()
                .flat_map(|c| c.products.clone())
                .filter(|p| p.a == p.b)
                .collect();
            // A product of U8 has the same bound by itself.
            let proven = (elem != Elem::U8).then(|| Interval::new(0, most));
            assert_eq!(products.iter().map(|p| p.proven).collect::<Vec<_>>(), [proven]);
            let width = if copied { 5 } else { 7 };
            let xs = case.inputs[0].to_vec();
            let at = |i: usize| xs[i / width * 7 + i % width + copied as usize] as i64;
            let want: Vec<i32> =
                (0..5 * width).map(|i| ((at(i).pow(2) + (1 << (s - 1))) >> s).min(32767) as i32).collect();
            assert_eq!(case.verify(), want, "{elem}");
        }
    }
    // As an output, no quantisation between: the product alone.
    let mut g = Model::new(23);
    let x = g.input_as(Elem::I8, &[3, 5], 0.1, true);
    let y = op(&mut g, "square", x, &[]);
    let mut case = g.finish(y);
    let want: Vec<i32> = case.inputs[0].to_vec().iter().map(|x| x * x).collect();
    assert_eq!(case.verify(), want);
}

/// Tables and cells of a clamp are those of its type, whatever its bounds and steps.
#[test]
fn cost_does_not_depend_on_bounds() {
    let shape_of = |lo: f64, hi: f64, step: f64| {
        let mut g = Model::new(29);
        let x = g.input(Elem::I12, &[4, 9], step);
        let y = op(&mut g, "clamp", x, &[("lo", Arg::Real(lo)), ("hi", Arg::Real(hi))]);
        let case = g.finish(y);
        let plan = case.lower().plan;
        let rows: Vec<u32> = plan.tables.iter().map(|t| t.log_rows()).collect();
        (rows, plan.n_lookups(), plan.tensors.iter().map(|t| (t.range, t.axes.len())).collect::<Vec<_>>())
    };
    let all = [shape_of(-1.0, 1.0, 0.1), shape_of(-1.0, 1.0, 1e-9), shape_of(-1e9, 1e-9, 1e6)];
    assert!(all.iter().all(|a| *a == all[0]), "{all:?}");
}

/// A graph from a file may hold any bounds, and steps that no table can have.
#[test]
fn malformed_nodes_are_refused() {
    for (lo, hi) in [(1.0, 0.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
        let mut g = Model::new(31);
        let x = g.input(Elem::I8, &[2, 3], 0.1);
        let y = g.unary(Op::Clamp { lo, hi }, x, Elem::I8, 0.1);
        let case = g.finish(y);
        let what = "has bounds that are not finite and ascending";
        let want = LowerError::Malformed { node: format!("n{y}"), what };
        assert_eq!(lower(&case.graph, &case.params).unwrap_err(), want);
        let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
        assert!(matches!(e, RunError::Lower(e) if e == want));
    }
    let mut g = Model::new(37);
    let x = g.input(Elem::I8, &[2, 3], 0.0);
    let y = op(&mut g, "sigmoid", x, &[]);
    let case = g.finish(y);
    assert!(matches!(lower(&case.graph, &case.params), Err(LowerError::Step { .. })));
    let mut g = Model::new(41);
    let x = g.input(Elem::I24, &[2, 3], 0.1);
    let y = g.unary(Op::Map(zkml_ir::tables::Function::Tanh), x, Elem::I16, 0.5f64.powi(15));
    let case = g.finish(y);
    assert!(matches!(lower(&case.graph, &case.params), Err(LowerError::Unsupported { .. })));
}
