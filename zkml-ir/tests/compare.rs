//! Comparisons and what they select, against plain integers.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{run, RunError};
use zkml_ir::graph::{NodeId, Op};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::plan::Source;
use zkml_ir::tensor::IntTensor;

/// Name, the number's argument, meaning.
type Comparison = (&'static str, &'static str, fn(i64, i64) -> bool);

const ALL: [Comparison; 5] = [
    ("greater", "than", |a, b| a > b),
    ("greater_equal", "than", |a, b| a >= b),
    ("less", "than", |a, b| a < b),
    ("less_equal", "than", |a, b| a <= b),
    ("equal", "to", |a, b| a == b),
];

fn op(g: &mut Model, name: &str, t: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: t.to_vec(), named, name: format!("{name}0"), ..Call::default() };
    find(name).unwrap().build(&mut g.b, &call).unwrap()[0]
}

fn set(case: &mut Case, input: usize, elem: Elem, mut f: impl FnMut(usize) -> i32) {
    let shape = case.inputs[input].shape().clone();
    let values: Vec<i32> = (0..shape.len()).map(&mut f).collect();
    case.inputs[input] = IntTensor::new(shape, elem, &values).unwrap();
}

#[test]
fn tensors_are_compared() {
    let mut rng = Rng(31);
    for (name, _, holds) in ALL {
        for (left, right) in [(Elem::I8, Elem::I8), (Elem::I12, Elem::U8), (Elem::I16, Elem::I16)] {
            let mut g = Model::new(rng.next());
            let x = g.input(left, &[4, 9], 0.5);
            let y = g.input_as(right, &[9], 0.5, true);
            let c = op(&mut g, name, &[x, y], &[]);
            assert_eq!(
                (g.ty(c).elem, g.ty(c).interval, g.ty(c).step.coef),
                (Elem::U8, Interval::new(0, 1), 1.0)
            );
            let mut case = g.finish(c);
            let check = |case: &mut Case| {
                let (x, y) = (case.inputs[0].to_vec(), case.inputs[1].to_vec());
                let want: Vec<i32> = (0..36).map(|i| holds(x[i] as i64, y[i % 9] as i64) as i32).collect();
                assert_eq!(case.verify(), want, "{name} {left} {right}");
            };
            check(&mut case);
            set(&mut case, 0, left, |i| i as i32 % 5);
            set(&mut case, 1, right, |i| i as i32 % 3);
            check(&mut case);
            set(&mut case, 0, left, |i| [left.interval().lo, left.interval().hi][i % 2] as i32);
            set(&mut case, 1, right, |i| [right.interval().lo, right.interval().hi][i / 3 % 2] as i32);
            check(&mut case);
            assert_eq!(case.lower().plan.cells(|s| *s == Source::Trace), 36);
        }
    }
}

#[test]
fn numbers_are_compared_in_real_units() {
    let mut rng = Rng(32);
    for (name, with, holds) in ALL {
        for elem in [Elem::I8, Elem::I16, Elem::U8] {
            // Multiples of 1/8, so that doubles are exact.
            for number in [0.0, 0.5, -0.5, 3.125, -3.2, 1e9, -1e9, 100.0] {
                let mut g = Model::new(rng.next());
                let x = g.input(elem, &[37], 0.125);
                let c = op(&mut g, name, &[x], &[(with, Arg::Real(number))]);
                let mut case = g.finish(c);
                set(&mut case, 0, elem, |i| [(i as i32 - 18).max(elem.interval().lo as i32), 25, 4][i % 3]);
                // 16 x against 16 c, whole for all but -3.2.
                let unit = |x: i32| x as i64 * 10 * 16 / 8;
                let want: Vec<i32> = case.inputs[0]
                    .to_vec()
                    .iter()
                    .map(|&x| holds(unit(x), (number * 160.0).round() as i64) as i32)
                    .collect();
                assert_eq!(case.verify(), want, "{name} {elem} {number}");
                let Interval { lo, hi } = elem.interval();
                set(&mut case, 0, elem, |i| [lo, hi][i % 2] as i32);
                case.verify();
            }
        }
    }
}

#[test]
fn selections_take_one_side() {
    let mut rng = Rng(33);
    for (dims, a_dims, b_dims) in [
        (vec![4, 6], vec![4, 6], vec![4, 6]),
        (vec![4, 1], vec![6], vec![4, 6]),
        (vec![3], vec![2, 3], vec![1]),
        (vec![5], vec![1], vec![1]),
    ] {
        for private in [false, true] {
            let mut g = Model::new(rng.next());
            let x = g.input_as(Elem::I8, &dims, 0.5, private);
            let c = op(&mut g, "greater", &[x], &[("than", Arg::Real(0.0))]);
            let (a, b) = (g.input(Elem::I12, &a_dims, 0.25), g.input(Elem::I8, &b_dims, 0.25));
            // Constants on both sides, and a transformed argument.
            let a2 = g.binary(Op::Add, a, a);
            let y = op(&mut g, "select", &[c, a2, b], &[]);
            assert_eq!(g.ty(y).interval, Interval::new(-4096, 4094));
            let q = g.quantize(y, Elem::I16, 16, 1, 1);
            let mut case = g.finish(q);
            let out = case.graph.ty(y).shape.clone();
            let n = out.len();
            let [cv, av, bv] = [0, 1, 2].map(|i| case.inputs[i].to_vec());
            let under = |v: &[i32], dims: &[usize], i: usize| {
                let (mut rest, mut at, mut stride) = (i, 0, 1);
                for (k, &d) in out.dims().iter().enumerate().rev() {
                    let j = rest % d;
                    rest /= d;
                    if let Some(own) = (k + dims.len()).checked_sub(out.rank()).map(|k| dims[k]) {
                        at += if own == 1 { 0 } else { j * stride };
                        stride *= own;
                    }
                }
                v[at]
            };
            let want: Vec<i32> = (0..n)
                .map(|i| match under(&cv, &dims, i) > 0 {
                    true => 2 * under(&av, &a_dims, i),
                    false => under(&bv, &b_dims, i),
                })
                .map(|v| (v + 1).div_euclid(2))
                .collect();
            assert_eq!(case.verify(), want, "{dims:?} {a_dims:?} {b_dims:?}");
        }
    }
}

/// Clamping by hand: `select(greater(x, than = 2.0), c, x)` with an input's flags and as an output.
#[test]
fn inputs_become_flags() {
    let mut g = Model::new(3);
    let mut flags = |private| {
        // A free step: flags pin it to 1.
        let shape = zkml_ir::shape::Shape::new(vec![6]);
        let c = g.b.input("c", Elem::U8, shape.clone(), private);
        g.values.push((true, IntTensor::new(shape, Elem::U8, &[1, 0, 1, 1, 0, 0]).unwrap()));
        g.params.steps.push(1.0);
        c
    };
    let c = flags(true);
    let (a, b) = (g.input(Elem::I8, &[6], 0.25), g.input(Elem::I8, &[6], 0.25));
    let y = op(&mut g, "select", &[c, a, b], &[]);
    let mut case = g.finish(y);
    let (a, b) = (case.inputs[1].to_vec(), case.inputs[2].to_vec());
    assert_eq!(case.verify(), [a[0], b[1], a[2], a[3], b[4], b[5]]);
    set(&mut case, 0, Elem::U8, |i| i as i32);
    let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
    assert!(matches!(e, RunError::Range { value: 2, .. }), "{e}");
}
