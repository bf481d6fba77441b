//! Pools, gathers, padding, parts and regrouped shapes against their definitions, and each committed cell changed.

mod common;

use common::maps::{ints, op, ops};
use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{debug_check, Violation};
use zkml_ir::float::{eval, FloatTensor};
use zkml_ir::ops::Arg;
use zkml_ir::plan::Source;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

#[derive(Clone, Copy, Debug)]
struct Pool {
    extent: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl Pool {
    fn square(h: usize, k: usize, s: usize, p: usize) -> Self {
        Self { extent: [h; 2], kernel: [k; 2], stride: [s; 2], padding: [p; 2] }
    }

    fn named(&self) -> Vec<(&'static str, Arg)> {
        let ints = |p: [usize; 2]| Arg::Ints(p.map(|v| v as i64).to_vec());
        vec![("kernel", ints(self.kernel)), ("stride", ints(self.stride)), ("padding", ints(self.padding))]
    }

    fn out(&self) -> [usize; 2] {
        [0, 1].map(|i| (self.extent[i] + 2 * self.padding[i] - self.kernel[i]) / self.stride[i] + 1)
    }

    /// The values that each window holds, by plane and output; padding is left out.
    fn windows(&self, x: &[i64]) -> Vec<Vec<i64>> {
        let ([h, w], [oh, ow]) = (self.extent, self.out());
        let at = |o: usize, k: usize, i: usize| {
            let at = (o * self.stride[i] + k) as i64 - self.padding[i] as i64;
            (0..self.extent[i] as i64).contains(&at).then_some(at as usize)
        };
        let mut all = vec![];
        for plane in x.chunks_exact(h * w) {
            for o in 0..oh * ow {
                let entries = (0..self.kernel[0] * self.kernel[1]).filter_map(|k| {
                    let (ky, kx) = (k / self.kernel[1], k % self.kernel[1]);
                    Some(plane[at(o / ow, ky, 0)? * w + at(o % ow, kx, 1)?])
                });
                all.push(entries.collect());
            }
        }
        all
    }
}

fn wide(values: Vec<i32>) -> Vec<i64> {
    values.into_iter().map(|v| v as i64).collect()
}

fn cells(case: &Case) -> u64 {
    case.lower().plan.cells(|s| *s == Source::Trace)
}

fn real(t: &IntTensor) -> FloatTensor {
    FloatTensor::new(t.shape().clone(), t.to_vec().iter().map(|&v| v as f32).collect())
}

fn pools() -> Vec<Pool> {
    let mut all: Vec<Pool> = [
        (8, 2, 2, 0),
        (7, 2, 2, 0),
        (6, 3, 1, 1),
        (7, 3, 2, 1),
        (9, 3, 3, 0),
        (6, 3, 3, 1),
        (5, 1, 2, 0),
        (4, 4, 4, 0),
        (5, 5, 1, 2),
        (6, 2, 1, 1),
        (8, 2, 4, 0),
    ]
    .map(|(h, k, s, p)| Pool::square(h, k, s, p))
    .to_vec();
    let two = Pool { extent: [6, 9], kernel: [1, 3], stride: [2, 1], padding: [0, 1] };
    all.push(two);
    all.push(Pool { extent: [9, 6], kernel: [3, 1], stride: [1, 1], padding: [1, 0] });
    all.push(Pool { extent: [4, 6], kernel: [2, 3], stride: [2, 3], padding: [0, 0] });
    all
}

#[test]
fn maxima_of_windows() {
    for (i, p) in pools().into_iter().enumerate() {
        for (elem, lead) in [(Elem::I8, vec![3]), (Elem::U8, vec![2, 2]), (Elem::I12, vec![1])] {
            let mut g = Model::new(i as u64 + 1);
            let x = g.input(elem, &[&lead[..], &p.extent].concat(), 0.5);
            let y = op(&mut g, "max_pool", &[x], &p.named());
            assert_eq!(g.ty(y).interval, elem.interval());
            assert_eq!(g.ty(y).step, g.ty(x).step);
            // Squared, so that it is read inside a product.
            let y = if elem == Elem::I12 { y } else { g.binary(zkml_ir::graph::Op::Mul, y, y) };
            let mut case = g.finish(y);
            let square = |v: i64| if elem == Elem::I12 { v } else { v * v };
            let windows = p.windows(&ints(&case.inputs[0]));
            let want: Vec<i64> = windows.iter().map(|w| square(*w.iter().max().unwrap())).collect();
            assert_eq!(wide(case.verify()), want, "{p:?}");
        }
    }
}

/// Where every value is negative, a zero of the padding would win.
#[test]
fn padding_never_wins() {
    for p in [Pool::square(5, 3, 2, 1), Pool::square(6, 2, 2, 1), Pool::square(7, 5, 1, 2)] {
        let mut g = Model::new(3);
        let x = g.input(Elem::I8, &[2, p.extent[0], p.extent[1]], 0.5);
        let y = op(&mut g, "max_pool", &[x], &p.named());
        let mut case = g.finish(y);
        let shape = case.inputs[0].shape().clone();
        let values: Vec<i32> = (0..shape.len()).map(|i| -1 - (i as i32 * 37) % 128).collect();
        case.inputs[0] = IntTensor::new(shape, Elem::I8, &values).unwrap();
        let windows = p.windows(&ints(&case.inputs[0]));
        let want: Vec<i64> = windows.iter().map(|w| *w.iter().max().unwrap()).collect();
        assert!(want.iter().all(|v| *v < 0));
        assert_eq!(wide(case.verify()), want);
        let got = eval(&case.graph, &[], &[real(&case.inputs[0])]).unwrap().remove(0);
        assert!(got.data.iter().zip(&want).all(|(&a, &b)| a as i64 == b));
    }
}

#[test]
fn cells_of_pools() {
    let count = |p: Pool, name: &str| {
        let mut g = Model::new(1);
        let x = g.input(Elem::I8, &[4, p.extent[0], p.extent[1]], 0.5);
        let y = op(&mut g, name, &[x], &p.named());
        let case = g.finish(y);
        (cells(&case), case.lower().plan.n_lookups())
    };
    // 2 x 2: two maxima of columns and one of rows for each output, and the range of the last.
    let outputs = 4 * 16;
    assert_eq!(count(Pool::square(8, 2, 2, 0), "max_pool"), (3 * outputs, 4 * outputs));
    // 3 x 3 with a stride of 2: copies of 3 x 8 x 4 and 3 x 4 x 4, maxima 2 x 8 x 4 and 2 x 4 x 4 for each channel.
    assert_eq!(count(Pool::square(8, 3, 2, 1), "max_pool"), (4 * (96 + 48 + 64 + 32), 4 * (64 + 32 + 16)));
    assert_eq!(count(Pool::square(8, 2, 2, 0), "avg_pool"), (0, 0));
    assert_eq!(count(Pool::square(8, 8, 8, 0), "avg_pool"), (0, 0));
    assert_eq!(count(Pool::square(8, 3, 2, 1), "avg_pool"), (4 * 8 * 4, 0));
}

/// Two cells of one window moved together: none of it passes.
#[test]
fn maxima_have_one_witness() {
    let p = Pool::square(2, 2, 2, 0);
    let mut g = Model::new(5);
    let x = g.input(Elem::I8, &[1, 2, 2], 0.5);
    let y = op(&mut g, "max_pool", &[x], &p.named());
    let mut case = g.finish(y);
    let shape = Shape::new([1, 2, 2]);
    for values in [[3, -2, 5, 5], [-128, 127, 0, 1], [7, 7, 7, 7]] {
        case.inputs[0] = IntTensor::new(shape.clone(), Elem::I8, &values).unwrap();
        let lowered = case.lower();
        let honest = case.trace(&lowered);
        let trace: Vec<usize> = (0..lowered.plan.tensors.len())
            .filter(|&t| lowered.plan.tensors[t].source == Source::Trace)
            .collect();
        for (i, &a) in trace.iter().enumerate() {
            for &b in &trace[i..] {
                let n = |t: usize| lowered.plan.tensors[t].axes.len();
                for at in 0..n(a) * n(b) {
                    for (da, db) in [(1, 1), (1, -1), (-1, 1), (-1, -1), (5, -5), (5, 5)] {
                        let mut forged = honest.clone();
                        forged.tensors[a].as_mut().unwrap()[at / n(b)] += da;
                        forged.tensors[b].as_mut().unwrap()[at % n(b)] += db;
                        if forged.tensors == honest.tensors {
                            continue;
                        }
                        let found = debug_check(&lowered.plan, &forged, &case.weights);
                        assert!(matches!(
                            found,
                            Err(Violation::Lookup { .. } | Violation::Constraint { .. })
                        ));
                    }
                }
            }
        }
    }
}

#[test]
fn means_of_windows() {
    for (i, p) in pools().into_iter().enumerate() {
        for (elem, lead) in [(Elem::I8, vec![3]), (Elem::U8, vec![2, 2]), (Elem::I16, vec![1])] {
            let mut g = Model::new(i as u64 + 1);
            let x = g.input(elem, &[&lead[..], &p.extent].concat(), 0.5);
            let y = op(&mut g, "avg_pool", &[x], &p.named());
            let n = p.kernel[0] * p.kernel[1];
            assert_eq!((g.ty(y).elem, g.ty(y).step.coef), (Elem::Acc, 0.5 * (1.0 / n as f64)));
            let mut case = g.finish(y);
            let windows = p.windows(&ints(&case.inputs[0]));
            let want: Vec<i64> = windows.iter().map(|w| w.iter().sum()).collect();
            let got = eval(&case.graph, &[], &[real(&case.inputs[0])]).unwrap().remove(0);
            let close =
                |(a, &b): (&f32, &i64)| (*a as f64 * n as f64 - b as f64).abs() <= 1e-6 * b.abs() as f64;
            assert!(got.data.iter().zip(&want).all(close), "{p:?}");
            assert_eq!(wide(case.verify()), want, "{p:?}");
        }
    }
}

#[test]
fn means_of_channels() {
    for dims in [vec![3, 5, 7], vec![2, 6, 4, 4], vec![1, 8, 1, 1]] {
        let mut g = Model::new(9);
        let x = g.input(Elem::I12, &dims, 0.5);
        let y = op(&mut g, "global_avg_pool", &[x], &[]);
        let maps = dims[dims.len() - 1] * dims[dims.len() - 2];
        assert_eq!(g.dims(y), dims[..dims.len() - 2]);
        assert_eq!(g.ty(y).interval, Elem::I12.interval().scale(maps as i64));
        let mut case = g.finish(y);
        let want: Vec<i64> = ints(&case.inputs[0]).chunks(maps).map(|c| c.iter().sum()).collect();
        assert_eq!(cells(&case), 0);
        assert_eq!(wide(case.verify()), want);
    }
}

#[test]
fn batch_norm_of_channels() {
    for dims in [vec![6, 3, 4], vec![2, 3, 5, 2]] {
        let mut g = Model::new(4);
        let x = g.input(Elem::I8, &dims, 0.5);
        let channels = dims[dims.len() - 3];
        let scale = g.weight(Elem::I8, &[channels], 0.25);
        let shift = g.weight(Elem::I24, &[channels], 0.125);
        let y = op(&mut g, "batch_norm", &[x, scale, shift], &[]);
        let mut case = g.finish(y);
        let (s, t) = (ints(&case.weights[0]), ints(&case.weights[1]));
        let maps: usize = dims[dims.len() - 2..].iter().product();
        let channel = |i: usize| i / maps % channels;
        let x = ints(&case.inputs[0]);
        let want: Vec<i64> = x.iter().enumerate().map(|(i, x)| x * s[channel(i)] + t[channel(i)]).collect();
        assert_eq!(wide(case.verify()), want);
        assert_eq!(cells(&case), 0);
    }
}

/// Gathers as the language writes them; the view is squared, so that it is read inside a product.
fn gathered(dims: &[usize], name: &str, named: &[(&str, Arg)], axis: usize, index: &[Option<usize>]) -> u64 {
    let mut g = Model::new(2);
    let x = g.input(Elem::I8, dims, 0.5);
    let v = op(&mut g, name, &[x], named);
    let y = g.binary(zkml_ir::graph::Op::Mul, v, v);
    let mut case = g.finish(y);
    let inner: usize = dims[axis + 1..].iter().product();
    let x = ints(&case.inputs[0]);
    let mut want = vec![];
    for block in x.chunks(dims[axis] * inner) {
        for i in index {
            want.extend((0..inner).map(|j| i.map_or(0, |i| block[i * inner + j].pow(2))));
        }
    }
    assert_eq!(wide(case.verify()), want, "{name} {named:?} of {dims:?}");
    let got = eval(&case.graph, &[], &[real(&case.inputs[0])]).unwrap().remove(0);
    assert!(got.data.iter().zip(&want).all(|(&a, &b)| a as i64 == b));
    cells(&case)
}

#[test]
fn gathers_free_and_copied() {
    let run = |dims: &[usize], axis: usize, index: &[usize]| {
        let list = Arg::Ints(index.iter().map(|&i| i as i64).collect());
        let index: Vec<_> = index.iter().map(|&i| Some(i)).collect();
        gathered(dims, "gather", &[("index", list), ("axis", Arg::Int(axis as i64))], axis, &index)
    };
    assert_eq!(run(&[4, 3], 0, &[3, 1, 2]), 9);
    assert_eq!(run(&[5, 2, 3], 1, &[1, 0, 1, 1]), 60);
    // The whole, an aligned part, every fourth of a part.
    assert_eq!(run(&[4, 3], 0, &[0, 1, 2, 3]), 0);
    assert_eq!(run(&[12, 3], 0, &[4, 5, 6, 7]), 0);
    assert_eq!(run(&[24, 5], 0, &[2, 6, 10, 14, 18, 22]), 0);
    assert_eq!(run(&[24, 5], 0, &[2, 6, 10]), 15);
    assert_eq!(run(&[3, 7], 1, &[6]), 0);
    assert_eq!(run(&[6], 0, &[5, 3, 1]), 3);
}

#[test]
fn strided_slices() {
    let run = |extent: usize, range: (i64, i64), step: i64| {
        let named =
            [("axis", Arg::Int(1)), ("range", Arg::Range(range.0, range.1)), ("step", Arg::Int(step))];
        let index: Vec<_> = (range.0..range.1).step_by(step as usize).map(|i| Some(i as usize)).collect();
        gathered(&[2, extent, 3], "slice", &named, 1, &index)
    };
    assert_eq!(run(16, (0, 16), 2), 0);
    assert_eq!(run(16, (1, 16), 2), 0);
    assert_eq!(run(48, (3, 48), 8), 0);
    assert_eq!(run(9, (1, 8), 3), 0);
    assert_eq!(run(10, (0, 10), 3), 2 * 4 * 3);
    assert_eq!(run(9, (0, 9), 1), 0);
    assert_eq!(run(5, (4, 5), 7), 0);
}

#[test]
fn padding_free_and_copied() {
    let run = |extent: usize, before: usize, after: usize| {
        let int = |v: usize| Arg::Int(v as i64);
        let named = [("axis", int(1)), ("before", int(before)), ("after", int(after))];
        let zeros = |n: usize| vec![None; n];
        let index: Vec<_> = [zeros(before), (0..extent).map(Some).collect(), zeros(after)].concat();
        gathered(&[2, extent, 3], "pad", &named, 1, &index)
    };
    assert_eq!(run(4, 0, 4), 0);
    assert_eq!(run(4, 4, 4), 0);
    assert_eq!(run(8, 24, 0), 0);
    // An odd part of an odd whole: some of its slabs.
    assert_eq!(run(5, 1, 1), 0);
    assert_eq!(run(6, 1, 1), 2 * 8 * 3);
    assert_eq!(run(4, 1, 0), 2 * 5 * 3);
    assert_eq!(run(3, 0, 0), 0);
}

#[test]
fn parts_of_an_axis() {
    for (extent, named, sizes) in
        [(12, ("parts", Arg::Int(3)), vec![4, 4, 4]), (9, ("sizes", Arg::Ints(vec![2, 3, 4])), vec![2, 3, 4])]
    {
        let mut g = Model::new(6);
        let x = g.input(Elem::I8, &[3, extent], 0.5);
        let parts = ops(&mut g, "split", &[x], &[("axis", Arg::Int(1)), named]);
        let dims: Vec<_> = parts.iter().map(|&p| g.dims(p)[1]).collect();
        assert_eq!(dims, sizes);
        // In the opposite order.
        let back: Vec<_> = parts.iter().rev().copied().collect();
        let y = op(&mut g, "concat", &back, &[("axis", Arg::Int(1))]);
        let mut case = g.finish(y);
        let mut want = vec![];
        for row in ints(&case.inputs[0]).chunks(extent) {
            let mut end = extent;
            for n in sizes.iter().rev() {
                want.extend(&row[end - n..end]);
                end -= n;
            }
        }
        assert_eq!(wide(case.verify()), want);
    }
}

/// Feature maps before a linear layer, and back.
#[test]
fn shapes_regroup_digit_by_digit() {
    for (from, to, copies) in [
        (vec![16, 5, 5], vec![1, 400], 1),
        (vec![64, 4, 4], vec![1, 1024], 0),
        (vec![512, 1, 1], vec![1, 512], 0),
        (vec![32, 8, 8], vec![2048], 0),
        (vec![2, 16, 5, 5], vec![2, 400], 1),
        // Six bits past 25 by steps of five and one; back in the same steps.
        (vec![64, 5, 5], vec![1600], 2),
        (vec![1600], vec![64, 5, 5], 2),
        (vec![2304], vec![256, 3, 3], 2),
        (vec![40, 30], vec![24, 50], 2),
        (vec![3, 40, 15], vec![3, 25, 24], 1),
        (vec![128, 7, 7], vec![1, 6272], 2),
        (vec![2, 3, 4, 5, 6], vec![6, 5, 4, 3, 2], 5),
    ] {
        let mut g = Model::new(8);
        let x = g.input(Elem::I8, &from, 0.5);
        let shape = Arg::Ints(to.iter().map(|&d| d as i64).collect());
        let v = op(&mut g, "reshape", &[x], &[("shape", shape)]);
        let mut case = g.finish(v);
        let n = case.inputs[0].len() as u64;
        assert_eq!(cells(&case), copies * n, "{from:?} to {to:?}");
        let want = ints(&case.inputs[0]);
        assert_eq!(wide(case.verify()), want, "{from:?} to {to:?}");
    }
    // A transposed view, whose digits split nowhere: copied as it is first.
    let mut g = Model::new(10);
    let x = g.input(Elem::I8, &[45, 33], 0.5);
    let t = op(&mut g, "transpose", &[x], &[]);
    let v = op(&mut g, "reshape", &[t], &[("shape", Arg::Ints(vec![5, 297]))]);
    let mut case = g.finish(v);
    let x = ints(&case.inputs[0]);
    let want: Vec<i64> = (0..45 * 33).map(|i| x[i % 45 * 33 + i / 45]).collect();
    assert_eq!(cells(&case), 45 * 33);
    assert_eq!(wide(case.verify()), want);
    // At random: the same entries under other extents.
    let mut rng = Rng(11);
    for _ in 0..25 {
        let factors: Vec<usize> = (0..5).map(|_| [2, 3, 4, 5, 6][rng.below(5)]).collect();
        let mut group = |f: &[usize]| {
            let mut dims = vec![1];
            for &f in f {
                match rng.below(2) {
                    0 => dims.push(f),
                    _ => *dims.last_mut().unwrap() *= f,
                }
            }
            dims
        };
        let from = group(&factors);
        let to = group(&factors.iter().rev().copied().collect::<Vec<_>>());
        let mut g = Model::new(factors[0] as u64);
        let x = g.input(Elem::I8, &from, 0.5);
        let shape = Arg::Ints(to.iter().map(|&d| d as i64).collect());
        let v = op(&mut g, "reshape", &[x], &[("shape", shape)]);
        let mut case = g.finish(v);
        let want = ints(&case.inputs[0]);
        assert_eq!(wide(case.verify()), want, "{from:?} to {to:?}");
    }
}

#[test]
fn a_point_interval_is_pooled() {
    let p = Pool::square(4, 2, 2, 0);
    let mut g = Model::new(8);
    let x = g.input(Elem::I8, &[1, 4, 4], 0.5);
    g.b.flags(x, Interval::new(0, 1)).unwrap_or(());
    let y = op(&mut g, "max_pool", &[x], &p.named());
    let mut case = g.finish(y);
    let flags: Vec<i32> = (0..16).map(|i| i % 3 / 2).collect();
    case.inputs[0] = IntTensor::new(Shape::new([1, 4, 4]), Elem::I8, &flags).unwrap();
    let want: Vec<i64> = p.windows(&ints(&case.inputs[0])).iter().map(|w| *w.iter().max().unwrap()).collect();
    assert_eq!(wide(case.verify()), want);
}
