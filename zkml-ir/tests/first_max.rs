//! First maxima, their indices and the largest k against plain integers.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{debug_check, DebugChecker};
use zkml_ir::graph::{NodeId, Op};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::plan::Source;
use zkml_ir::tensor::IntTensor;

fn ops(g: &mut Model, name: &str, t: &[NodeId], named: &[(&str, i64)]) -> Vec<NodeId> {
    let named = named.iter().map(|(n, a)| (n.to_string(), Arg::Int(*a))).collect();
    let call = Call { tensors: t.to_vec(), named, name: format!("{name}0"), ..Call::default() };
    find(name).unwrap().build(&mut g.b, &call).unwrap()
}

/// Indices by value, larger first, then by index.
fn order(row: &[i64], valid: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..valid).collect();
    all.sort_by_key(|&j| (-row[j], j));
    all
}

/// Rows along an axis of a row-major tensor.
fn rows(x: &[i32], dims: &[usize], axis: usize) -> Vec<Vec<i64>> {
    let inner: usize = dims[axis + 1..].iter().product();
    let outer: usize = dims[..axis].iter().product();
    let at = |o: usize, j: usize, i: usize| x[(o * dims[axis] + j) * inner + i] as i64;
    (0..outer)
        .flat_map(|o| (0..inner).map(move |i| (o, i)))
        .map(|(o, i)| (0..dims[axis]).map(|j| at(o, j, i)).collect())
        .collect()
}

fn fill(case: &mut Case, elem: Elem, mut f: impl FnMut(usize) -> i32) {
    let shape = case.inputs[0].shape().clone();
    let values: Vec<i32> = (0..shape.len()).map(&mut f).collect();
    case.inputs[0] = IntTensor::new(shape, elem, &values).unwrap();
}

/// Random, all equal, few values (many ties), extremes.
fn patterns(case: &mut Case, elem: Elem, mut check: impl FnMut(&mut Case)) {
    let Interval { lo, hi } = elem.interval();
    check(case);
    fill(case, elem, |_| hi as i32);
    check(case);
    fill(case, elem, |_| lo as i32);
    check(case);
    let mut rng = Rng(99);
    fill(case, elem, |_| [lo, hi][rng.below(2)] as i32);
    check(case);
    fill(case, elem, |_| rng.below(3) as i32);
    check(case);
}

#[test]
fn argmax_is_the_first_of_the_largest() {
    let mut rng = Rng(21);
    for elem in [Elem::I8, Elem::I12, Elem::I16, Elem::U8, Elem::I24] {
        for (dims, axis, valid) in [
            (vec![1], 0, 1),
            (vec![9], 0, 9),
            (vec![3, 20], 1, 17),
            (vec![12, 7], 0, 12),
            (vec![2, 6, 9], 1, 1),
            (vec![2, 64], 1, 64),
            (vec![2, 129], 1, 128),
        ] {
            let mut g = Model::new(rng.next());
            let x = g.input_as(elem, &dims, 0.25, rng.below(2) == 1);
            let named = [("axis", axis as i64), ("valid", valid as i64)];
            let y = ops(&mut g, "argmax", &[x], &named)[0];
            assert_eq!(g.ty(y).interval, Interval::new(0, dims[axis] as i64 - 1));
            patterns(&mut g.finish(y), elem, |case| {
                let found = rows(&case.inputs[0].to_vec(), &dims, axis);
                let want: Vec<i32> = found.iter().map(|r| order(r, valid)[0] as i32).collect();
                assert_eq!(case.verify(), want, "{elem} {dims:?} {axis} {valid}");
            });
        }
    }
}

#[test]
fn flags_keep_the_shape() {
    let mut g = Model::new(4);
    let x = g.input(Elem::I8, &[3, 5, 4], 0.5);
    let y = ops(&mut g, "first_max", &[x], &[("axis", 1)])[0];
    assert_eq!((g.ty(y).elem, g.ty(y).interval, g.dims(y)), (Elem::U8, Interval::new(0, 1), vec![3, 5, 4]));
    patterns(&mut g.finish(y), Elem::I8, |case| {
        let x = rows(&case.inputs[0].to_vec(), &[3, 5, 4], 1);
        for (row, flags) in x.iter().zip(rows(&case.verify(), &[3, 5, 4], 1)) {
            let first = order(row, 5)[0];
            assert!(flags.iter().enumerate().all(|(j, &h)| h == (j == first) as i64));
        }
    });
}

/// Logits are compared without being committed.
#[test]
fn argmax_of_a_product() {
    let mut rng = Rng(22);
    for (rows, k, n, valid) in [(2, 24, 131, 131), (1, 40, 96, 90), (3, 7, 5, 4)] {
        let mut g = Model::new(rng.next());
        let (x, w) = (g.input(Elem::I8, &[rows, k], 0.1), g.weight(Elem::I8, &[k, n], 0.1));
        let b = g.weight(Elem::I24, &[n], 0.01);
        let h = g.matmul(x, w);
        let h = g.binary(Op::Add, h, b);
        let y = ops(&mut g, "argmax", &[h], &[("valid", valid)])[0];
        let mut case = g.finish(y);
        let (xs, ws, bs) = (case.inputs[0].to_vec(), case.weights[0].to_vec(), case.weights[1].to_vec());
        let logit = |r: usize, j: usize| {
            (0..k).map(|i| xs[r * k + i] as i64 * ws[i * n + j] as i64).sum::<i64>() + bs[j] as i64
        };
        let want: Vec<i32> = (0..rows)
            .map(|r| order(&(0..n).map(|j| logit(r, j)).collect::<Vec<_>>(), valid as usize)[0] as i32)
            .collect();
        assert_eq!(case.verify(), want);
        // J, two limbs of M and the result for each row; s, h and two limbs of d for each entry.
        let cells = case.lower().plan.cells(|s| *s == Source::Trace);
        assert_eq!(cells, (rows * (4 + 4 * n)) as u64);
    }
}

#[test]
fn top_k_is_sorted_and_ties_go_by_index() {
    let mut rng = Rng(23);
    for elem in [Elem::I8, Elem::I12, Elem::I16, Elem::U8] {
        for (dims, axis, k, valid) in [
            (vec![6], 0, 6, 6),
            (vec![3, 11], 1, 1, 11),
            (vec![3, 11], 1, 5, 9),
            (vec![12, 5], 0, 3, 12),
            (vec![2, 40], 1, 4, 40),
            (vec![2, 6, 3], 1, 6, 6),
        ] {
            let build = |output: usize, seed| {
                let mut g = Model::new(seed);
                let x = g.input(elem, &dims, 0.25);
                let named = [("k", k), ("axis", axis as i64), ("valid", valid)];
                let y = ops(&mut g, "top_k", &[x], &named);
                let mut out = dims.clone();
                out[axis] = k as usize;
                assert_eq!((g.dims(y[0]), g.dims(y[1])), (out.clone(), out.clone()));
                assert_eq!((g.ty(y[0]).elem, g.ty(y[0]).step.coef), (elem, 0.25));
                (g.finish(y[output]), out)
            };
            let seed = rng.next();
            for output in [0, 1] {
                let (mut case, out) = build(output, seed);
                patterns(&mut case, elem, |case| {
                    let want: Vec<Vec<i64>> = rows(&case.inputs[0].to_vec(), &dims, axis)
                        .iter()
                        .map(|row| {
                            let best = order(row, valid as usize).into_iter().take(k as usize);
                            best.map(|j| if output == 0 { row[j] } else { j as i64 }).collect()
                        })
                        .collect();
                    assert_eq!(rows(&case.verify(), &out, axis), want, "{elem} {dims:?} {k}");
                });
            }
        }
    }
}

/// Whole forged witnesses: another index with everything that follows from it.
#[test]
fn a_consistent_lie_about_the_index_fails() {
    let mut g = Model::new(31);
    let x = g.input(Elem::I8, &[1, 6], 0.5);
    let y = ops(&mut g, "argmax", &[x], &[])[0];
    let mut case = g.finish(y);
    fill(&mut case, Elem::I8, |j| [3, 9, -2, 9, 0, 8][j]);
    let lowered = case.lower();
    let honest = case.trace(&lowered);
    debug_check(&lowered.plan, &honest, &case.weights).unwrap();
    let checker = DebugChecker::new(&lowered.plan);
    let at = |role: &str| lowered.plan.tensors.iter().position(|t| t.name.ends_with(role)).unwrap();
    let output = lowered.plan.tensors.iter().position(|t| matches!(t.source, Source::PublicOutput(_)));
    let mut forged_ones = 0;
    for j in (0..6).filter(|&j| j != 1) {
        for max in [9, 8, 3, 0, 127] {
            let mut forged = honest.clone();
            let mut set = |t: usize, v: Vec<i32>| forged.tensors[t] = Some(v);
            set(at("/index"), vec![j]);
            set(at("/s"), (0..6).map(|k| (k < j) as i32).collect());
            set(at("/h"), (0..6).map(|k| (k == j) as i32).collect());
            set(at("/max0"), vec![max + 128]);
            let index =
                lowered.plan.tensors.iter().position(|t| t.name == "argmax0" && t.source == Source::Trace);
            set(index.unwrap(), vec![j]);
            set(output.unwrap(), vec![j]);
            let e = checker.check(&forged, &case.weights).unwrap_err();
            assert!(["argmax0/below", "argmax0/max is attained"].contains(&e.name()), "{e}");
            forged_ones += 1;
        }
    }
    assert_eq!(forged_ones, 25);
}

/// The head of a language model: no constant is larger than the vocabulary.
#[test]
fn a_vocabulary_lowers() {
    let (k, n, valid) = (768, 50304, 50257);
    let mut g = Model::new(41);
    let x = g.input(Elem::I8, &[1, k], 0.1);
    let w = g.weight(Elem::I8, &[k, n], 0.1);
    let h = g.matmul(x, w);
    let y = ops(&mut g, "argmax", &[h], &[("valid", valid)])[0];
    let plan = g.finish(y).lower().plan;
    assert_eq!(plan.cells(|s| *s == Source::Trace), 4 + 4 * n as u64);
    assert_eq!(plan.n_lookups(), 2 + 3 * n as u64);
    let constants = plan.tensors.iter().filter(|t| matches!(t.source, Source::Constant(_)));
    assert!(constants.map(|t| t.axes.len()).max().unwrap() == n);
}
