//! Normalisations of residual streams (`layer_norm` of I16, `rms_norm`): against their definition in plain integers, with
//! no digits, and against real numbers, for rows at every extreme.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{debug_check, run};
use zkml_ir::graph::Op;
use zkml_ir::lower::{lower, LowerError};
use zkml_ir::plan::Source;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Layer,
    Rms,
}

const KINDS: [Kind; 2] = [Kind::Layer, Kind::Rms];

/// One normalisation of rows.
struct Norm {
    kind: Kind,
    elem: Elem,
    d: usize,
    step: f64,
    epsilon: f64,
    /// log2 of the units in 1.
    fraction: u32,
}

impl Norm {
    fn case(&self, rows: &[Vec<i32>], seed: u64) -> Case {
        let (dims, d) = ([rows.len(), self.d], self.d);
        let mut g = Model::new(seed);
        let x = g.input(self.elem, &dims, self.step);
        let unit = (1 << self.fraction) as f64;
        let more = (self.kind == Kind::Rms && self.fraction > 7) as i64;
        let bound = ((d as f64).sqrt() * unit).ceil() as i64 + more;
        let op = match self.kind {
            Kind::Layer => Op::LayerNorm { epsilon: self.epsilon },
            Kind::Rms => Op::RmsNorm { epsilon: self.epsilon },
        };
        let n = g.push(op, &[x], Elem::I16, &dims, Interval::new(-bound, bound), 1.0 / unit);
        let mut case = g.finish(n);
        case.inputs[0] = IntTensor::new(Shape::new(dims.to_vec()), self.elem, &rows.concat()).unwrap();
        case
    }

    /// The definition, without digits.
    fn integers(&self, x: &[i32]) -> Vec<i128> {
        let d = x.len() as i128;
        let (mu, rest) = match self.kind {
            Kind::Layer => {
                let sum: i128 = x.iter().map(|&x| x as i128).sum();
                let mu = (sum + d / 2).div_euclid(d);
                (mu, sum - d * mu)
            }
            Kind::Rms => (0, 0),
        };
        let square: i128 = x.iter().map(|&x| (x as i128 - mu).pow(2)).sum();
        let a = (0..=12).rev().find(|a| (d / 2).pow(2) << a <= 1 << 29).unwrap();
        let epsilon = (4096.0 * d as f64 * self.epsilon / self.step.powi(2)).round() as i128;
        let v = (square << 12) - ((((rest * rest) << a) / d) << (12 - a)) + epsilon;
        let (u, up, down) = match v {
            0..0x800 => (1 << 12, 0, 1),
            0x800..0x200_0000 => (v << 3, 128, 1),
            0x200_0000..0x80_0000_0000 => (v >> 11, 1, 1),
            _ => (v >> 27, 1, 256),
        };
        let e = (0..).find(|e| u >> (2 * e) < 1 << 13).unwrap();
        let table = ((d << 48) / (((u >> (2 * e)) + 1) << (2 * e + 1))).isqrt();
        let g = up * if down == 1 { table } else { (table + 128) / down };
        let n = |&x: &i32| {
            ((x as i128 - mu) * g - (rest * g).div_euclid(d) + (1 << 22 >> self.fraction))
                >> (23 - self.fraction)
        };
        x.iter().map(n).collect()
    }

    fn real(&self, x: &[i32]) -> Vec<f64> {
        let d = x.len() as f64;
        let mean = match self.kind {
            Kind::Layer => x.iter().map(|&x| x as f64).sum::<f64>() / d,
            Kind::Rms => 0.0,
        };
        let square = x.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>() / d;
        let root = (square + self.epsilon / self.step.powi(2)).sqrt();
        let n = |&x: &i32| {
            if x as f64 == mean {
                0.0
            } else {
                (x as f64 - mean) / root * (1 << self.fraction) as f64
            }
        };
        x.iter().map(n).collect()
    }

    /// Holds values against both, and returns the largest error beyond half a unit, relative to 2^-9.
    fn compare(&self, x: &[i32], n: &[i32]) -> f64 {
        let mut worst = 0f64;
        let (integers, real) = (self.integers(x), self.real(x));
        for (j, (&n, (&want, &real))) in n.iter().zip(integers.iter().zip(&real)).enumerate() {
            let at = || {
                format!(
                    "{:?} d = {} [{j}] of {:?}: {n}, {want}, {real}",
                    self.kind,
                    self.d,
                    &x[..4.min(x.len())]
                )
            };
            assert_eq!(n as i128, want, "{}", at());
            let error = (n as f64 - real).abs() - 0.5;
            // 2^-9 + 2^-12, or where epsilon outweighs every variance what rounding g leaves; and the last floor.
            let rounding = x[j].abs() as f64 / (1 << (24 - self.fraction)) as f64 + real.abs() / 1024.0;
            let most = (real.abs() * (1.125 / 512.0)).max(if self.epsilon > 1e3 { rounding } else { 0.0 });
            assert!(error <= most + 1e-4, "{}", at());
            if real.abs() > 16.0 {
                worst = worst.max(error / real.abs() * 512.0);
            }
        }
        worst
    }

    /// Relations and attacks too.
    fn verify(&self, rows: &[Vec<i32>], seed: u64) -> f64 {
        let n = self.case(rows, seed).verify();
        let worst = rows.iter().zip(n.chunks(self.d)).map(|(x, n)| self.compare(x, n));
        worst.fold(0.0, f64::max)
    }
}

fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.below(1 << 20) as f64 / (1 << 20) as f64).sum::<f64>() - 6.0
}

/// Rows at the extremes of a type, and rows as they are.
fn rows(elem: Elem, d: usize, rng: &mut Rng) -> Vec<Vec<i32>> {
    let i = elem.interval();
    let (lo, hi) = (i.lo as i32, i.hi as i32);
    let k = d / 3;
    let mut rows: Vec<Vec<i32>> = vec![];
    let mut row = |f: &mut dyn FnMut(usize) -> i32| rows.push((0..d).map(f).collect());
    // Flat.
    for v in [0, 1, -1, lo, hi] {
        row(&mut |_| v);
    }
    // A few units.
    row(&mut |j| (j == k) as i32);
    row(&mut |j| hi - (j == k) as i32);
    row(&mut |j| (j % 2) as i32);
    row(&mut |j| (j % 3) as i32 - 1);
    row(&mut |j| lo + (j % 5 == 0) as i32);
    for ones in [2, 3, 4, 5, 7, 12] {
        row(&mut |j| (j < ones) as i32);
    }
    // Full scale.
    row(&mut |j| if j % 2 == 0 { lo } else { hi });
    row(&mut |j| if j < d / 2 { lo } else { hi });
    row(&mut |j| if j == k { hi } else { lo });
    row(&mut |j| if j == k { lo } else { 0 });
    row(&mut |j| if j == k { hi } else { (j % 3) as i32 - 1 });
    row(&mut |j| (lo as i64 + (i.width() * j as i64) / d as i64) as i32);
    // Many outliers.
    row(&mut |j| if j % 17 == 3 { hi } else { (j % 7) as i32 - 3 });
    row(&mut |_| rng.within(i));
    // Each magnitude.
    for bits in 0..hi.ilog2() - 1 {
        row(&mut |_| (normal(rng) * (1 << bits) as f64).round() as i32);
    }
    rows.iter_mut().flatten().for_each(|x| *x = (*x).clamp(lo, hi));
    rows
}

#[test]
fn every_extreme_of_every_type() {
    let mut rng = Rng(11);
    let mut worst = 0f64;
    for kind in KINDS {
        for (elem, d) in [
            (Elem::I16, 1),
            (Elem::I16, 2),
            (Elem::I16, 3),
            (Elem::I16, 7),
            (Elem::I16, 64),
            (Elem::I16, 100),
            (Elem::I16, 513),
            (Elem::I8, 33),
            (Elem::I12, 96),
        ] {
            if kind == Kind::Layer && elem != Elem::I16 {
                continue; // tests/rows.rs
            }
            let norm = Norm { kind, elem, d, step: 0.01, epsilon: 0.0, fraction: 7 };
            worst = worst.max(norm.verify(&rows(elem, d, &mut rng), rng.next()));
            let norm = Norm { epsilon: 1e-5, ..norm };
            worst = worst.max(norm.verify(&rows(elem, d, &mut rng), rng.next()));
        }
    }
    println!("beyond half a unit: {worst:.3} of 2^-9");
}

/// The relations without the attacks, which take long.
#[test]
fn long_rows() {
    let mut rng = Rng(12);
    let mut worst = 0f64;
    for kind in KINDS {
        for (elem, d) in [
            (Elem::I16, 768),
            (Elem::I16, 2047),
            (Elem::I16, 2048),
            (Elem::I16, 2897),
            (Elem::I16, 4095),
            (Elem::I16, 4096),
            (Elem::I8, 4096),
            (Elem::I12, 4096),
        ] {
            if kind == Kind::Layer && elem != Elem::I16 {
                continue;
            }
            let norm =
                Norm { kind, elem, d, step: 0.5, epsilon: if d % 2 == 0 { 0.0 } else { 0.3 }, fraction: 7 };
            let rows = rows(elem, d, &mut rng);
            let case = norm.case(&rows, rng.next());
            let lowered = case.lower();
            let witness = case.trace(&lowered);
            debug_check(&lowered.plan, &witness, &case.weights).unwrap();
            let n = witness.outputs[0].to_vec();
            for (x, n) in rows.iter().zip(n.chunks(d)) {
                worst = worst.max(norm.compare(x, n));
            }
        }
    }
    println!("beyond half a unit: {worst:.3} of 2^-9");
}

/// The bulk of a row beside entries a thousand times its median.
#[test]
fn outliers_leave_the_bulk_its_precision() {
    let mut rng = Rng(13);
    for kind in KINDS {
        for (d, outliers, median) in [(256, 1, 20.0), (768, 2, 20.0), (2048, 4, 25.0), (4096, 8, 30.0)] {
            let norm = Norm { kind, elem: Elem::I16, d, step: 0.02, epsilon: 1e-6, fraction: 7 };
            let mut x: Vec<i32> = (0..d).map(|_| (normal(&mut rng) * 1.48 * median).round() as i32).collect();
            for _ in 0..outliers {
                let sign = if rng.below(2) == 0 { 1.0 } else { -1.0 };
                x[rng.below(d)] = (sign * 1000.0 * median) as i32;
            }
            let case = norm.case(&[x.clone()], 1);
            let n = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap()[0].to_vec();
            norm.compare(&x, &n);
            // Nothing but the rounding of n: the scale and the mean that the whole bulk shares are exact to 2^-9 and
            // 2^-12, where an entry cut to its high eight bits would have none left.
            let real = norm.real(&x);
            let bulk = || n.iter().zip(&real).zip(&x).filter(|(_, x)| x.abs() < 1000).map(|(p, _)| p);
            let of = |f: &dyn Fn(&i32, &f64) -> f64| bulk().map(|(n, r)| f(n, r)).sum::<f64>();
            let slope = of(&|&n, r| n as f64 * r) / of(&|_, r| r * r);
            assert!((slope - 1.0).abs() < 0.02, "{kind:?} {d}: {slope}");
            let bias = of(&|&n, r| n as f64 - r) / d as f64;
            assert!(bias.abs() < 0.05, "{kind:?} {d}: {bias}");
            assert!(bulk().all(|(&n, r)| (n as f64 - r).abs() <= 0.5 + r.abs() / 512.0));
        }
    }
}

#[test]
fn cells_are_those_of_the_documentation() {
    for (kind, elem, d, per_entry, per_row) in [
        (Kind::Layer, Elem::I16, 768, 3, 36),
        (Kind::Layer, Elem::I16, 4096, 3, 36),
        (Kind::Rms, Elem::I16, 4096, 3, 27),
        (Kind::Rms, Elem::I12, 4096, 3, 27),
        (Kind::Rms, Elem::I8, 4096, 2, 27),
    ] {
        let norm = Norm { kind, elem, d, step: 1.0, epsilon: 1e-5, fraction: 7 };
        let plan = norm.case(&[vec![0; d]], 1).lower().plan;
        let cells = plan.cells(|s| *s == Source::Trace) as usize - per_entry * d;
        assert!(cells <= per_row, "{kind:?} {elem} {d}: {cells} per row");
    }
}

/// Neither more bits than the relations have room for, nor another step, nor an epsilon above every variance.
#[test]
fn refuses_what_it_cannot_hold() {
    let fails = |elem: Elem, out: i64, step: f64, epsilon: f64, want: &str| {
        for kind in KINDS {
            let mut g = Model::new(1);
            let x = g.input(elem, &[2, 8], 1.0);
            let op = match kind {
                Kind::Layer => Op::LayerNorm { epsilon },
                Kind::Rms => Op::RmsNorm { epsilon },
            };
            let n = g.push(op, &[x], Elem::I16, &[2, 8], Interval::new(-out, out), step);
            let case = g.finish(n);
            match lower(&case.graph, &case.params) {
                Err(LowerError::Unsupported { what, .. }) => assert!(what.contains(want), "{kind:?}: {what}"),
                other => panic!("{kind:?} {want}: {other:?}"),
            }
        }
    };
    fails(Elem::I24, 400, 1.0 / 128.0, 0.0, "quantize it");
    fails(Elem::I16, 400, 1.0 / 100.0, 0.0, "step");
    fails(Elem::I16, 362, 1.0 / 128.0, 0.0, "reaches 363");
    fails(Elem::I16, 400, 1.0 / 128.0, 1e30, "epsilon");
}

/// Each power of two as V, and one less: where digits, classes and exponents change.
#[test]
fn every_boundary_of_the_variance() {
    for (kind, x) in [(Kind::Rms, [0, 1, 0, 0]), (Kind::Layer, [1, 1, -1, -1]), (Kind::Rms, [0; 4])] {
        let own = 4096 * x.iter().map(|x| x * x).sum::<i64>();
        for v in
            (0..=52).flat_map(|k| [(1i64 << k) - 1, 1 << k]).filter(|&v| (own..=own + (1 << 52)).contains(&v))
        {
            let epsilon = (v - own) as f64 / (4 * 4096) as f64;
            let norm = Norm { kind, elem: Elem::I16, d: 4, step: 1.0, epsilon, fraction: 7 };
            let x = x.map(|x| x as i32).to_vec();
            let n = norm.case(std::slice::from_ref(&x), v as u64).verify();
            assert_eq!(n.iter().map(|&n| n as i128).collect::<Vec<_>>(), norm.integers(&x));
        }
    }
}

/// The plan is accepted whatever the length, the type and the size of epsilon.
#[test]
fn lengths_of_every_size_are_lowered() {
    let lengths =
        (1..20).chain((20..4096).step_by(61)).chain([1023, 1024, 1025, 2047, 2049, 2896, 2897, 4095, 4096]);
    for d in lengths {
        for kind in KINDS {
            for elem in [Elem::I8, Elem::I12, Elem::I16, Elem::U8] {
                let largest = (1u64 << 51) as f64 / (4096 * d) as f64;
                for epsilon in [0.0, largest] {
                    if kind == Kind::Rms || elem == Elem::I16 {
                        Norm { kind, elem, d, step: 1.0, epsilon, fraction: 7 }
                            .case(&[vec![0; d]], 1)
                            .lower();
                    }
                }
            }
        }
    }
}

/// A finer step for what stands beside outliers.
#[test]
fn finer_steps() {
    let mut rng = Rng(15);
    for kind in KINDS {
        for (d, fraction) in [(3, 8), (50, 9), (4095, 9), (4096, 8)] {
            let norm = Norm { kind, elem: Elem::I16, d, step: 0.01, epsilon: 0.0, fraction };
            let mut all = rows(Elem::I16, d, &mut rng);
            // The largest n of all: one entry at the end of the type.
            all.extend(
                [i16::MIN, i16::MAX].map(|x| (0..d).map(|j| if j == 1 { x as i32 } else { 0 }).collect()),
            );
            let case = norm.case(&all, 1);
            let lowered = case.lower();
            let witness = case.trace(&lowered);
            debug_check(&lowered.plan, &witness, &case.weights).unwrap();
            let n = witness.outputs[0].to_vec();
            all.iter().zip(n.chunks(d)).for_each(|(x, n)| _ = norm.compare(x, n));
        }
    }
}

/// Rows along the last axis of any rank.
#[test]
fn axes_before_the_rows() {
    for kind in KINDS {
        for dims in [vec![9], vec![1, 9], vec![2, 3, 9], vec![3, 5, 2, 12]] {
            let mut g = Model::new(3);
            let x = g.input(Elem::I16, &dims, 0.1);
            let op = match kind {
                Kind::Layer => Op::LayerNorm { epsilon: 0.0 },
                Kind::Rms => Op::RmsNorm { epsilon: 0.0 },
            };
            let n = g.push(op, &[x], Elem::I16, &dims, Interval::new(-444, 444), 1.0 / 128.0);
            let mut case = g.finish(n);
            let got = case.verify();
            let d = *dims.last().unwrap();
            let norm = Norm { kind, elem: Elem::I16, d, step: 0.1, epsilon: 0.0, fraction: 7 };
            let x = case.inputs[0].to_vec();
            x.chunks(d).zip(got.chunks(d)).for_each(|(x, n)| _ = norm.compare(x, n));
        }
    }
}

#[test]
fn an_epsilon_counts() {
    // E of all sizes, up to far above the variance.
    let mut rng = Rng(14);
    for kind in KINDS {
        for epsilon in [1e-12, 1e-5, 0.1, 3.0, 1e3, 1e5, 1e7] {
            let norm = Norm { kind, elem: Elem::I16, d: 48, step: 0.05, epsilon, fraction: 7 };
            norm.verify(&rows(Elem::I16, 48, &mut rng), rng.next());
        }
    }
}
