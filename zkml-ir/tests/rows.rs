//! Softmax, attention and LayerNorm against plain integers written from their definitions, and against real numbers.

mod common;

use common::{Case, Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{run, RunError};
use zkml_ir::graph::Op;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

fn set(case: &mut Case, input: usize, elem: Elem, f: impl Fn(usize) -> i32) {
    let shape = case.inputs[input].shape().clone();
    let values: Vec<i32> = (0..shape.len()).map(f).collect();
    case.inputs[input] = IntTensor::new(shape, elem, &values).unwrap();
}

/// The definition of a row's exponentials by trial: those to the least reference at which their sum stays below 2^bits.
/// `x` are the scores that count, `unit` what one step of distance is, `grain` how many steps a score is.
fn exponentials(x: &[i64], unit: f64, grain: i64, bits: u32) -> Vec<i128> {
    let at = |reference: i64, x: i64| {
        let e = ((1 << bits) - 1) as f64 * (-((reference - grain * x) as f64) * unit).exp();
        e.round() as i128
    };
    let of = |reference: i64| -> Vec<i128> { x.iter().map(|&x| at(reference, x)).collect() };
    let max = grain * x.iter().max().expect("scores");
    (max..).map(of).find(|e| e.iter().sum::<i128>() < 1 << bits).expect("a reference")
}

/// Steps of distance in one score: scores of 8 bits are taken in finer ones.
fn grain(scores: Elem) -> i64 {
    if scores == Elem::I8 {
        16
    } else {
        1
    }
}

struct Attention {
    batch: usize,
    tq: usize,
    tk: usize,
    d: usize,
    scores: Elem,
    causal: bool,
    mask: bool,
    tau: f64,
    fraction: u32,
}

impl Attention {
    fn model(&self, seed: u64) -> Case {
        let mut g = Model::new(seed);
        let x = g.input(self.scores, &[self.batch, self.tq, self.tk], self.tau);
        let v = g.input(Elem::I8, &[self.batch, self.tk, self.d], 0.1);
        let mut args = vec![x, v];
        if self.mask {
            args.push(g.input(Elem::U8, &[self.tk], 1.0));
        }
        let dims = [self.batch, self.tq, self.d];
        let core = Op::AttentionCore { causal: self.causal, window: None, fraction: self.fraction };
        let out = Interval::new(-128 << self.fraction, (128 << self.fraction) - 1);
        let o = g.push(core, &args, Elem::I12, &dims, out, 0.1 / (1 << self.fraction) as f64);
        let mut case = g.finish(o);
        if self.mask {
            let keep = case.rng.below(self.tk);
            let bits = case.rng.next();
            set(&mut case, 2, Elem::U8, |j| (j == keep || bits >> (j % 64) & 1 == 1) as i32);
            if self.causal {
                // The first query sees the first key only.
                set(&mut case, 2, Elem::U8, |j| (j == 0 || bits >> (j % 64) & 1 == 1) as i32);
            }
        }
        case
    }

    /// Weights of a row in real numbers, 0 where masked.
    fn row(&self, case: &Case, b: usize, i: usize) -> Vec<f64> {
        let x = &case.inputs[0];
        let at = |j: usize| x.get((b * self.tq + i) * self.tk + j) as f64 * self.tau;
        let allowed = |j: usize| (!self.causal || j <= i) && (!self.mask || case.inputs[2].get(j) == 1);
        let max = (0..self.tk).filter(|&j| allowed(j)).map(at).fold(f64::MIN, f64::max);
        (0..self.tk).map(|j| if allowed(j) { (at(j) - max).exp() } else { 0.0 }).collect()
    }
}

#[test]
fn attention_is_the_rounded_quotient() {
    let mut rng = Rng(3);
    for (scores, causal, mask, fraction) in [
        (Elem::I8, false, false, 0),
        (Elem::I8, true, false, 0),
        (Elem::I12, false, true, 2),
        (Elem::I12, true, true, 2),
        (Elem::I12, true, false, 2),
    ] {
        for size in [1, 3, 8, 17] {
            let (batch, d) = (1 + rng.below(3), 1 + rng.below(6));
            let tq = if causal { size } else { 1 + rng.below(5) };
            let tau = if scores == Elem::I8 { 0.05 } else { 0.004 };
            let a = Attention { batch, tq, tk: size, d, scores, causal, mask, tau, fraction };
            let mut case = a.model(rng.next());
            let got = case.verify();
            // The definition, in 128-bit integers, with exponentials rounded from f64.
            for b in 0..batch {
                for i in 0..tq {
                    let real = a.row(&case, b, i);
                    let (scores, g) = (&case.inputs[0], grain(a.scores));
                    let x = |j: usize| scores.get((b * tq + i) * size + j) as i64;
                    let counts: Vec<usize> = (0..size).filter(|&j| real[j] > 0.0).collect();
                    let row: Vec<i64> = counts.iter().map(|&j| x(j)).collect();
                    let mut e = vec![0i128; size];
                    for (&j, v) in counts.iter().zip(exponentials(&row, tau / g as f64, g, 19)) {
                        e[j] = v;
                    }
                    let s: i128 = e.iter().sum();
                    for c in 0..d {
                        let v = |j: usize| case.inputs[1].get((b * size + j) * d + c) as i128;
                        let n: i128 = e.iter().enumerate().map(|(j, e)| e * v(j)).sum();
                        let want = (((2 * n) << fraction) + s).div_euclid(2 * s);
                        let at = (b * tq + i) * d + c;
                        assert_eq!(got[at] as i128, want);
                        let mean = real.iter().enumerate().map(|(j, e)| e * v(j) as f64).sum::<f64>()
                            / real.iter().sum::<f64>()
                            * (1 << fraction) as f64;
                        // Half a unit, and what the rounding of the exponentials moves.
                        let most = 0.5 + 255.0 * size as f64 / 1e6 * (1 << fraction) as f64;
                        assert!((got[at] as f64 - mean).abs() < most, "{} {mean}", got[at]);
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_without_keys_is_an_error() {
    let a = Attention {
        batch: 1,
        tq: 2,
        tk: 4,
        d: 2,
        scores: Elem::I8,
        causal: false,
        mask: true,
        tau: 0.1,
        fraction: 0,
    };
    let mut case = a.model(1);
    set(&mut case, 2, Elem::U8, |_| 0);
    let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
    assert_eq!(e, RunError::AllMasked { name: "n3".into(), row: 0 });
    set(&mut case, 2, Elem::U8, |_| 2);
    let e = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap_err();
    assert!(matches!(e, RunError::Range { value: 2, .. }));
}

#[test]
fn softmax_is_the_rounded_probability() {
    let mut rng = Rng(4);
    for (elem, causal, rows, t) in [
        (Elem::I8, false, 3, 5),
        (Elem::I8, true, 4, 4),
        (Elem::I12, false, 2, 64),
        (Elem::I12, true, 7, 7),
        (Elem::I8, false, 1, 1),
        (Elem::I12, false, 2, 300),
    ] {
        let tau = 0.01;
        let mut g = Model::new(rng.next());
        let x = g.input(elem, &[2, rows, t], tau);
        let i = Interval::new(0, 1 << 14);
        let p = g.push(Op::Softmax { causal }, &[x], Elem::I16, &[2, rows, t], i, 1.0 / 16384.0);
        let mut case = g.finish(p);
        let got = case.verify();
        for (r, row) in got.chunks(t).enumerate() {
            let last = if causal { r % rows } else { t - 1 };
            let x: Vec<f64> = (0..=last).map(|j| case.inputs[0].get(r * t + j) as f64 * tau).collect();
            let max = x.iter().cloned().fold(f64::MIN, f64::max);
            let real: Vec<f64> = x.iter().map(|x| (x - max).exp()).collect();
            let row_x: Vec<i64> = (0..=last).map(|j| case.inputs[0].get(r * t + j) as i64).collect();
            let g = grain(elem);
            let bits = 14 + t.next_power_of_two().trailing_zeros().max(4) / 2;
            let e = exponentials(&row_x, tau / g as f64, g, bits);
            let w = (1i128 << 29) / e.iter().sum::<i128>();
            for (j, &p) in row.iter().enumerate() {
                let want = e.get(j).map_or(0, |e| (e * w + (1 << 14)) >> 15);
                assert_eq!(p as i128, want);
                let exact = real.get(j).map_or(0.0, |e| e / real.iter().sum::<f64>() * 16384.0);
                assert!((p as f64 - exact).abs() < 3.0, "{p} {exact}");
            }
        }
    }
}

/// Rows in which one score stands out and every other exponential is a little below half a unit, or as many as possible
/// are half a unit above it: all errors of rounding add up. And rows of equal scores, and rows as far as they can be.
#[test]
fn long_rows_lose_less_than_eight_bits_resolve() {
    let mut rng = Rng(11);
    for t in [2usize, 16, 64, 512, 2048] {
        for (elem, tau) in [(Elem::I12, 0.25), (Elem::I12, 0.02), (Elem::I12, 1e-4), (Elem::I8, 0.5)] {
            let i = elem.interval();
            let half = ((2.0 * 524_287.0f64).ln() / tau).ceil() as i64;
            let rows: Vec<Box<dyn Fn(usize) -> i64>> = vec![
                Box::new(|_| 0),
                Box::new(move |j| if j == 0 { half } else { 0 }),
                Box::new(move |j| if j == 0 { half - 1 } else { 0 }),
                Box::new(move |j| if j < 2 { half + 1 } else { 0 }),
                Box::new(move |j| if j == 0 { i.hi - i.lo } else { 0 }),
                Box::new(move |j| (j as i64 * 37) % 500),
            ];
            let mut g = Model::new(rng.next());
            let n = rows.len();
            let x = g.input(elem, &[n, t], tau);
            let v = g.input(Elem::I8, &[t, 2], 1.0);
            let unit = Interval::new(0, 1 << 14);
            let p = g.push(Op::Softmax { causal: false }, &[x], Elem::I16, &[n, t], unit, 1.0 / 16384.0);
            let core = Op::AttentionCore { causal: false, window: None, fraction: 2 };
            let o = g.push(core, &[x, v], Elem::I12, &[n, 2], Interval::new(-512, 511), 0.25);
            g.b.output("p", p);
            let mut case = g.finish(o);
            let score = |k: usize| (i.lo + rows[k / t](k % t)).min(i.hi) as i32;
            set(&mut case, 0, elem, score);
            // The one that stands out has the least value, the others the largest; and the other way round.
            set(&mut case, 1, Elem::I8, |k| if (k / 2 == 0) ^ (k % 2 == 0) { 127 } else { -128 });
            let out = run(&case.graph, &case.params, &case.weights, &case.inputs).unwrap();
            for r in 0..n {
                let real: Vec<f64> = (0..t).map(|j| score(r * t + j) as f64 * tau).collect();
                let max = real.iter().cloned().fold(f64::MIN, f64::max);
                let e: Vec<f64> = real.iter().map(|x| (x - max).exp()).collect();
                let sum: f64 = e.iter().sum();
                for (j, e) in e.iter().enumerate() {
                    let off = (out[0].get(r * t + j) as f64 / 16384.0 - e / sum).abs();
                    assert!(off < 1.0 / 256.0, "{t} {elem} {tau}: row {r}, {j} off by {off}");
                }
                for c in 0..2 {
                    let v = |j: usize| case.inputs[1].get(2 * j + c) as f64;
                    let mean = e.iter().enumerate().map(|(j, e)| e * v(j)).sum::<f64>() / sum;
                    let off = (out[1].get(2 * r + c) as f64 / 4.0 - mean).abs();
                    let u = if elem == Elem::I8 { tau / 16.0 } else { tau };
                    let most = 0.125 + 255.0 * (t - 1) as f64 * u.exp() * 1.005 / (1 << 20) as f64;
                    assert!(off <= most && off < 1.0, "{t} {elem} {tau}: row {r}, {c} off by {off}, {most}");
                }
            }
            if t <= 64 {
                case.verify();
            }
        }
    }
}

/// Steps of scores from nothing to everything: a witness for each, and probabilities that are right where they can be.
#[test]
fn scores_may_have_any_step() {
    let mut rng = Rng(12);
    for elem in [Elem::I8, Elem::I12] {
        for tau in [1e-9, 1e-4, 1.0, 1.99, 2.0, 7.5, 31.0, 32.0, 1e9] {
            for causal in [false, true] {
                let mut g = Model::new(rng.next());
                let x = g.input(elem, &[40, 40], tau);
                let unit = Interval::new(0, 1 << 14);
                let p = g.push(Op::Softmax { causal }, &[x], Elem::I16, &[40, 40], unit, 1.0 / 16384.0);
                let mut case = g.finish(p);
                let few = |k: usize| ((k * 7 + k / 40) % 3) as i32;
                set(&mut case, 0, elem, few);
                let got = case.verify();
                for (r, row) in got.chunks(40).enumerate() {
                    let last = if causal { r } else { 39 };
                    let max = (0..=last).map(|j| few(r * 40 + j)).max().unwrap();
                    let e: Vec<f64> =
                        (0..=last).map(|j| ((few(r * 40 + j) - max) as f64 * tau).exp()).collect();
                    let sum: f64 = e.iter().sum();
                    for (j, e) in e.iter().enumerate() {
                        assert!((row[j] as f64 / 16384.0 - e / sum).abs() < 1.0 / 256.0, "{elem} {tau}");
                    }
                    assert!(row[last + 1..].iter().all(|p| *p == 0));
                }
            }
        }
    }
}

fn layer_norm(elem: Elem, rows: usize, d: usize, step: f64, epsilon: f64, seed: u64) -> Case {
    let mut g = Model::new(seed);
    let x = g.input(elem, &[rows, d], step);
    let bound = ((d as f64).sqrt() * 128.0).ceil() as i64;
    let op = Op::LayerNorm { epsilon };
    let n = g.push(op, &[x], Elem::I16, &[rows, d], Interval::new(-bound, bound), 1.0 / 128.0);
    g.finish(n)
}

/// The definition, k and E aside, in real numbers.
fn check_norm(case: &Case, got: &[i32], d: usize, step: f64, epsilon: f64, tolerance: f64) {
    for (r, row) in got.chunks(d).enumerate() {
        let x: Vec<f64> = (0..d).map(|j| case.inputs[0].get(r * d + j) as f64 * step).collect();
        let mean = x.iter().sum::<f64>() / d as f64;
        let var = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / d as f64;
        for (x, &n) in x.iter().zip(row) {
            let want = (x - mean) / (var + epsilon).sqrt() * 128.0;
            assert!((n as f64 - want).abs() <= 0.5 + tolerance * want.abs().max(16.0), "{n} {want}");
        }
    }
}

#[test]
fn layer_norm_of_all_widths() {
    let mut rng = Rng(6);
    for (elem, d) in [
        (Elem::I8, 1),
        (Elem::I8, 7),
        (Elem::I8, 64),
        (Elem::I8, 4096),
        (Elem::I12, 5),
        (Elem::I12, 17),
        (Elem::I12, 96),
        (Elem::I12, 100),
        (Elem::I12, 768),
        (Elem::I12, 4096),
    ] {
        let epsilon = 1e-5;
        let mut case = layer_norm(elem, 2, d, 0.01, epsilon, rng.next());
        let got = case.verify();
        if d > 1 {
            check_norm(&case, &got, d, 0.01, epsilon, 0.01);
        }
    }
}

#[test]
fn layer_norm_at_its_extremes() {
    for elem in [Elem::I8, Elem::I12] {
        let i = elem.interval();
        let rows: Vec<Box<dyn Fn(usize) -> i32>> = vec![
            Box::new(|_| 0),
            Box::new(move |_| i.hi as i32),
            // One entry far out: |c g| at its bound.
            Box::new(move |j| if j == 3 { i.hi as i32 } else { i.lo as i32 }),
            Box::new(|j| (j == 5) as i32),
            // Largest variance.
            Box::new(move |j| if j % 2 == 0 { i.lo as i32 } else { i.hi as i32 }),
            Box::new(|j| (j % 3) as i32 - 1),
        ];
        for d in [8, 33, 768] {
            for f in &rows {
                let mut case = layer_norm(elem, 1, d, 1.0, 0.0, 1);
                set(&mut case, 0, elem, f);
                case.verify();
            }
        }
    }
}

#[test]
fn layer_norm_keeps_small_signals() {
    // A twelve-bit stream whose bulk is eight units: floors of block sums must not eat its variance.
    let mut case = layer_norm(Elem::I12, 2, 768, 0.01, 1e-5, 8);
    let mut rng = Rng(2);
    let x: Vec<i32> = (0..2 * 768).map(|_| (rng.below(33) as i32) - 16).collect();
    case.inputs[0] = IntTensor::new(Shape::new(vec![2, 768]), Elem::I12, &x).unwrap();
    let got = case.verify();
    check_norm(&case, &got, 768, 0.01, 1e-5, 0.03);
}
