//! Sums, means and maxima along axes against plain integers.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::graph::{NodeId, Op};
use zkml_ir::lower::{lower, LowerError};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

fn op(g: &mut Model, name: &str, t: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: t.to_vec(), named, name: format!("{name}0"), ..Call::default() };
    find(name).unwrap().build(&mut g.b, &call).unwrap()[0]
}

/// `f` of the entries along the axes for each of the others, row-major.
fn along(x: &[i32], dims: &[usize], axes: &[usize], f: impl Fn(&[i64]) -> i64) -> Vec<i32> {
    let kept: Vec<usize> = (0..dims.len()).filter(|a| !axes.contains(a)).collect();
    let mut out: Vec<Vec<i64>> = vec![vec![]; kept.iter().map(|&a| dims[a]).product()];
    for (i, &v) in x.iter().enumerate() {
        let at = |a: usize| i / dims[a + 1..].iter().product::<usize>() % dims[a];
        out[kept.iter().fold(0, |o, &a| o * dims[a] + at(a))].push(v as i64);
    }
    out.iter().map(|v| f(v) as i32).collect()
}

fn steps(case: &Case) -> (f64, f64) {
    let step = |id: NodeId| case.graph.steps.value(&case.graph.ty(id).step, &[]);
    (step(case.graph.inputs[0].node), step(case.graph.outputs[0].node))
}

fn fill(case: &mut Case, elem: Elem, f: impl Fn(usize) -> i32) {
    let shape = case.inputs[0].shape().clone();
    let values: Vec<i32> = (0..shape.len()).map(f).collect();
    case.inputs[0] = IntTensor::new(shape, elem, &values).unwrap();
}

#[test]
fn sums_and_means_of_all_axes() {
    let mut rng = Rng(11);
    for elem in [Elem::I8, Elem::I12, Elem::I16, Elem::U8, Elem::I24] {
        for (dims, axes) in [
            (vec![5], vec![0]),
            (vec![1, 1], vec![1]),
            (vec![3, 20], vec![1]),
            (vec![12, 7], vec![0]),
            (vec![2, 6, 9], vec![1]),
            (vec![2, 6, 9], vec![0, 2]),
            (vec![4, 3, 5, 6], vec![1, 2]),
            (vec![3, 8], vec![0, 1]),
        ] {
            for name in ["sum", "mean"] {
                let mut g = Model::new(rng.next());
                let x = g.input_as(elem, &dims, 0.25, true);
                let list = Arg::Ints(axes.iter().rev().map(|&a| a as i64).collect());
                let keep = rng.below(2) == 1;
                let y = op(&mut g, name, &[x], &[("axes", list), ("keep", Arg::Bool(keep))]);
                let mut case = g.finish(y);
                let n: usize = axes.iter().map(|&a| dims[a]).product();
                let want = along(&case.inputs[0].to_vec(), &dims, &axes, |v| v.iter().sum());
                assert_eq!(case.verify(), want, "{name} {elem} {dims:?} {axes:?}");
                let rank = if keep { dims.len() } else { dims.len() - axes.len() };
                assert_eq!(case.graph.ty(y).shape.rank(), rank);
                // A mean is exact: the same integers, of a step n times finer.
                let (from, to) = steps(&case);
                let part = if name == "mean" { n as f64 } else { 1.0 };
                assert!((to * part / from - 1.0).abs() < 1e-12);
                for end in [elem.interval().lo, elem.interval().hi] {
                    fill(&mut case, elem, |_| end as i32);
                    assert!(case.verify().iter().all(|&v| v as i64 == end * n as i64));
                }
            }
        }
    }
}

#[test]
fn sums_of_accumulators_and_concatenations() {
    let mut rng = Rng(12);
    // Affine accumulators, broadcast along the summed axis too.
    let mut g = Model::new(rng.next());
    let (x, y) = (g.input(Elem::I8, &[3, 10], 0.1), g.input(Elem::I8, &[3, 1], 0.1));
    let h = g.binary(Op::Sub, x, y);
    let s = op(&mut g, "sum", &[h], &[]);
    let mut case = g.finish(s);
    let (a, b) = (case.inputs[0].to_vec(), case.inputs[1].to_vec());
    let want: Vec<i32> = (0..3).map(|r| a[r * 10..][..10].iter().map(|v| v - b[r]).sum()).collect();
    assert_eq!(case.verify(), want);

    // A free concatenation, whose parts do not add up; and one whose interval is above zero.
    for axis in [0, 1] {
        let mut g = Model::new(rng.next());
        let parts: Vec<NodeId> = (0..3).map(|_| g.input(Elem::I8, &[4, 8], 0.1)).collect();
        let dims = if axis == 0 { [12, 8] } else { [4, 24] };
        let v = g.view(Op::Concat { axis }, &parts, &dims);
        let s = op(&mut g, "sum", &[v], &[("axis", Arg::Int(axis as i64))]);
        let mut case = g.finish(s);
        let rows = case.inputs.iter().map(|t| along(&t.to_vec(), &[4, 8], &[axis], |v| v.iter().sum()));
        let want = rows.reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect()).unwrap();
        assert_eq!(case.verify(), want);
    }

    // What needs a product is refused.
    let mut g = Model::new(1);
    let (x, w) = (g.input(Elem::I8, &[3, 4], 0.1), g.weight(Elem::I8, &[4, 5], 0.1));
    let h = g.matmul(x, w);
    let s = op(&mut g, "sum", &[h], &[]);
    let case = g.finish(s);
    let e = lower(&case.graph, &case.params).unwrap_err();
    assert_eq!(e, LowerError::NeedsQuantize { node: "sum0".into(), arg: "n2".into() });
}

#[test]
fn maxima_of_all_axes() {
    let mut rng = Rng(13);
    for elem in [Elem::I8, Elem::I12, Elem::I16, Elem::U8] {
        for (dims, axis) in [
            (vec![1], 0),
            (vec![7], 0),
            (vec![3, 20], 1),
            (vec![12, 7], 0),
            (vec![2, 6, 9], 1),
            (vec![5, 1, 3], 1),
            (vec![2, 300], 1),
        ] {
            let mut g = Model::new(rng.next());
            let x = g.input_as(elem, &dims, 0.25, rng.below(2) == 1);
            let keep = rng.below(2) == 1;
            let y = op(&mut g, "max", &[x], &[("axis", Arg::Int(axis)), ("keep", Arg::Bool(keep))]);
            assert_eq!((g.ty(y).elem, g.ty(y).interval), (elem, elem.interval()));
            let mut case = g.finish(y);
            let max = |v: &[i64]| *v.iter().max().unwrap();
            for ends in 0..4 {
                let Interval { lo, hi } = elem.interval();
                match ends {
                    0 => {}
                    1 => fill(&mut case, elem, |_| lo as i32),
                    2 => fill(&mut case, elem, |_| hi as i32),
                    _ => fill(&mut case, elem, |i| if i % 3 == 0 { hi as i32 } else { lo as i32 }),
                }
                let want = along(&case.inputs[0].to_vec(), &dims, &[axis as usize], max);
                assert_eq!(case.verify(), want, "{elem} {dims:?} {axis}");
                let dims = if keep { dims.len() } else { dims.len() - 1 };
                assert_eq!(case.graph.ty(y).shape.rank(), dims);
            }
        }
    }
}

#[test]
fn cells_of_sums_and_maxima() {
    for (name, cells) in [("sum", 4), ("max", 4 + 40)] {
        let mut g = Model::new(5);
        let x = g.input(Elem::I8, &[4, 10], 0.1);
        let y = op(&mut g, name, &[x], &[]);
        let case = g.finish(y);
        let plan = case.lower().plan;
        assert_eq!(plan.cells(|s| *s == zkml_ir::plan::Source::Trace), cells, "{name}");
        assert_eq!(case.graph.ty(y).shape, Shape::new(vec![4]));
    }
}
