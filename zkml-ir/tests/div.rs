//! Division by constants against floors.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::graph::{NodeId, Op};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::plan::Source;
use zkml_ir::tensor::IntTensor;

fn div(g: &mut Model, x: NodeId, by: i64) -> NodeId {
    let named = [("by".to_string(), Arg::Int(by))].into();
    let call = Call { tensors: vec![x], named, name: "div0".into(), ..Call::default() };
    find("div").unwrap().build(&mut g.b, &call).unwrap()[0]
}

fn floors(x: &[i32], by: i64) -> Vec<i32> {
    x.iter().map(|&x| (x as f64 / by as f64).floor() as i32).collect()
}

fn fill(case: &mut Case, elem: Elem, f: impl Fn(usize) -> i32) {
    let shape = case.inputs[0].shape().clone();
    let values: Vec<i32> = (0..shape.len()).map(f).collect();
    case.inputs[0] = IntTensor::new(shape, elem, &values).unwrap();
}

#[test]
fn quotients_are_floors() {
    let mut rng = Rng(51);
    for elem in [Elem::I8, Elem::I12, Elem::I16, Elem::U8, Elem::I24] {
        for by in [2, 3, 7, 8, 10, 127, 256, 1000, 1024, 1025, 4096, 50257, 65535, 65536] {
            let mut g = Model::new(rng.next());
            let x = g.input_as(elem, &[3, 5], 0.5, rng.below(2) == 1);
            let y = div(&mut g, x, by);
            let Interval { lo, hi } = elem.interval();
            let own = Interval::new(lo.div_euclid(by), hi.div_euclid(by));
            assert!(g.ty(y).interval.contains_interval(own) && g.ty(y).interval.lo == own.lo);
            assert!(own.width() >= 1 << 16 || g.ty(y).interval == own);
            assert_eq!(g.ty(y).step.coef, 0.5);
            let mut case = g.finish(y);
            assert_eq!(case.verify(), floors(&case.inputs[0].to_vec(), by), "{elem} / {by}");
            let near = |v: i64| v.clamp(lo, hi) as i32;
            fill(&mut case, elem, |i| {
                [near(lo), near(hi), 0, near(-1), near(by - 1), near(by), near(-by)][i % 7]
            });
            assert_eq!(case.verify(), floors(&case.inputs[0].to_vec(), by), "{elem} / {by}");
        }
    }
}

#[test]
fn accumulators_are_divided_as_they_are() {
    let mut rng = Rng(52);
    for (k, by) in [(9, 7), (64, 64), (300, 1500), (4096, 5), (200, 3)] {
        let mut g = Model::new(rng.next());
        let (x, w) = (g.input(Elem::I8, &[2, k], 0.1), g.weight(Elem::I8, &[k, 3], 0.1));
        let h = g.matmul(x, w);
        let y = div(&mut g, h, by);
        let mut case = g.finish(y);
        let (xs, ws) = (case.inputs[0].to_vec(), case.weights[0].to_vec());
        let sum = |i: usize| (0..k).map(|p| xs[i / 3 * k + p] * ws[p * 3 + i % 3]).sum::<i32>();
        assert_eq!(case.verify(), floors(&(0..6).map(sum).collect::<Vec<_>>(), by), "{k} {by}");
        // t, and y in one or two limbs.
        let wide = (k as i64 * 2 * 128 * 128) / by >= 1 << 16;
        assert_eq!(case.lower().plan.cells(|s| *s == Source::Trace), 6 * (2 + wide as u64));
    }
}

/// Digits of an index: what `argmax` gives, divided and put together again.
#[test]
fn quotients_go_on() {
    let mut g = Model::new(8);
    let x = g.input(Elem::I16, &[40], 1.0);
    let q = div(&mut g, x, 10);
    let (i, dims) = (g.ty(q).interval.scale(10), g.dims(q));
    let back = g.push(Op::MulInt(10), &[q], Elem::Acc, &dims, i, 1.0);
    let rest = g.binary(Op::Sub, x, back);
    let mut case = g.finish(rest);
    let want: Vec<i32> = case.inputs[0].to_vec().iter().map(|x| x.rem_euclid(10)).collect();
    assert_eq!(case.verify(), want);
}
