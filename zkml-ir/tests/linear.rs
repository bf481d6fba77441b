//! Products, sums, views, quantisation and activations against plain integers.

mod common;

use common::{Model, Rng};
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::graph::Op;

fn reference_matmul(a: &[i32], b: &[i32], m: usize, k: usize, n: usize) -> Vec<i64> {
    (0..m * n).map(|i| (0..k).map(|p| a[i / n * k + p] as i64 * b[p * n + i % n] as i64).sum()).collect()
}

fn rescale(acc: i64, m: u32, s: u32, to: Elem) -> i32 {
    let v = m as i128 * acc as i128 + (1i128 << (s - 1));
    let q = v.div_euclid(1 << s);
    q.clamp(to.interval().lo as i128, to.interval().hi as i128) as i32
}

/// m / 2^s that keeps `acc` inside a window of w bits.
fn shift_for(acc: Interval, w: u32) -> u32 {
    (1..).find(|s| acc.max_abs() >> s < 1 << (w - 2)).unwrap()
}

#[test]
fn matmul_bias_quantize_of_all_targets() {
    let mut rng = Rng(1);
    for (to, window) in [
        (Elem::I8, 16),
        (Elem::I8, 12),
        (Elem::I8, 8),
        (Elem::U8, 16),
        (Elem::I12, 20),
        (Elem::I16, 20),
        (Elem::I16, 17),
        (Elem::I16, 16),
        (Elem::I12, 16),
    ] {
        for _ in 0..3 {
            let (m, k, n) = (1 + rng.below(5), 1 + rng.below(40), 1 + rng.below(70));
            let mut g = Model::new(rng.next());
            let x = g.input(Elem::I8, &[m, k], 0.1);
            let w = g.weight(Elem::I8, &[k, n], 0.1);
            let b = g.weight(Elem::I12, &[n], 0.01);
            let acc = g.matmul(x, w);
            let acc = g.binary(Op::Add, acc, b);
            let s = shift_for(g.ty(acc).interval, window).max(2);
            let y = g.quantize(acc, to, window, 1, s);
            let mut case = g.finish(y);
            let (xs, ws, bs) = (case.inputs[0].to_vec(), case.weights[0].to_vec(), case.weights[1].to_vec());
            let want: Vec<i32> = reference_matmul(&xs, &ws, m, k, n)
                .iter()
                .enumerate()
                .map(|(i, a)| rescale(a + bs[i % n] as i64, 1, s, to))
                .collect();
            assert_eq!(case.verify(), want, "{to} {window} {m}x{k}x{n}");
        }
    }
}

#[test]
fn multipliers_and_large_shifts() {
    for (m, s, window, k) in [(37, 15, 16, 8), (5, 18, 8, 9000), (5, 11, 12, 3), (1, 22, 8, 12000)] {
        let mut g = Model::new(s as u64);
        let x = g.input(Elem::I8, &[2, k], 0.1);
        let w = g.weight(Elem::I8, &[k, 3], 0.1);
        let acc = g.matmul(x, w);
        let y = g.quantize(acc, Elem::I8, window, m, s);
        let mut case = g.finish(y);
        let acc = reference_matmul(&case.inputs[0].to_vec(), &case.weights[0].to_vec(), 2, k, 3);
        let want: Vec<i32> = acc.iter().map(|&a| rescale(a, m, s, Elem::I8)).collect();
        assert_eq!(case.verify(), want);
    }
}

#[test]
fn batched_matmul_sums_and_elementwise_products() {
    let mut g = Model::new(5);
    let x = g.input(Elem::I8, &[3, 4, 6], 0.1);
    let y = g.input(Elem::I8, &[3, 6, 10], 0.1);
    let acc = g.matmul(x, y);
    let q = g.quantize(acc, Elem::I12, 20, 3, 5);
    let row = g.weight(Elem::I8, &[10], 0.1);
    let column = g.weight(Elem::I8, &[4, 1], 0.1);
    let p = g.binary(Op::Mul, q, row);
    let c = g.binary(Op::Mul, q, column);
    let d = g.binary(Op::Sub, p, c);
    let i = g.ty(d).interval;
    let d = g.push(Op::Neg, &[d], Elem::Acc, &[3, 4, 10], -i, 0.1);
    let d = g.push(Op::MulInt(-3), &[d], Elem::Acc, &[3, 4, 10], i.scale(3), 0.1);
    let mut case = g.finish(d);
    let (x, y) = (case.inputs[0].to_vec(), case.inputs[1].to_vec());
    let (row, column) = (case.weights[0].to_vec(), case.weights[1].to_vec());
    let mut want = vec![];
    for b in 0..3 {
        let acc = reference_matmul(&x[b * 24..], &y[b * 60..], 4, 6, 10);
        for (i, a) in acc.iter().enumerate() {
            let q = rescale(*a, 3, 5, Elem::I12);
            want.push(3 * (q * row[i % 10] - q * column[i / 10]));
        }
    }
    assert_eq!(case.verify(), want);
}

#[test]
fn an_input_and_a_weight_of_wide_types() {
    for elem in [Elem::I8, Elem::U8, Elem::I12, Elem::I16, Elem::I24] {
        for private in [false, true] {
            let mut g = Model::new(9);
            let x = g.input_as(elem, &[3, 5], 0.1, private);
            let w = g.weight(Elem::I24, &[5], 0.1);
            let y = g.binary(Op::Add, x, w);
            let mut case = g.finish(y);
            let (x, w) = (case.inputs[0].to_vec(), case.weights[0].to_vec());
            let want: Vec<i32> = x.iter().enumerate().map(|(i, x)| x + w[i % 5]).collect();
            assert_eq!(case.verify(), want);
        }
    }
}

#[test]
fn activations_fused_and_not() {
    for (op, window, stored) in [
        (Op::Relu, 16, false),
        (Op::Gelu, 12, false),
        (Op::Relu, 8, true),
        (Op::Gelu, 16, true),
        (Op::Exp, 10, false),
    ] {
        let mut g = Model::new(11);
        let x = g.input(Elem::I8, &[4, 6], 0.1);
        let w = g.weight(Elem::I8, &[6, 7], 0.1);
        let acc = g.matmul(x, w);
        let s = shift_for(g.ty(acc).interval, window);
        let q = g.quantize(acc, Elem::I8, window, 1, s);
        // The quantised tensor's step, with a range where the functions are interesting.
        let unit = 0.03;
        let mut q_ty = g.ty(q);
        q_ty.step = common::step(unit);
        g.params.steps.clear();
        let y = g.unary(op.clone(), q, Elem::I8, unit);
        let out = match stored {
            // A second user: not fused.
            true => g.binary(Op::Add, y, q),
            false => y,
        };
        let mut case = g.finish(out);
        case.graph.nodes[q].ty = q_ty;
        let acc = reference_matmul(&case.inputs[0].to_vec(), &case.weights[0].to_vec(), 4, 6, 7);
        let got = case.verify();
        for (a, got) in acc.iter().zip(got) {
            let q = rescale(*a, 1, s, Elem::I8);
            let x = q as f64 * unit;
            let want = match op {
                Op::Relu => x.max(0.0),
                Op::Gelu => 0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh()),
                _ => x.exp(),
            };
            let want = (want / unit).clamp(-128.0, 127.0);
            let got = if stored { got - q } else { got };
            assert!((got as f64 - want).abs() <= 0.5 + 1e-6, "{op:?} {x}: {got} {want}");
        }
    }
}

#[test]
fn free_views_and_copies() {
    let cases: Vec<(Vec<usize>, Op, Vec<usize>)> = vec![
        (vec![4, 6, 5], Op::Transpose { perm: vec![2, 0, 1] }, vec![5, 4, 6]),
        (vec![4, 768], Op::Reshape, vec![4, 12, 64]),
        (vec![2, 24], Op::Reshape, vec![2, 4, 6]),
        (vec![12, 6], Op::Reshape, vec![72]),
        (vec![12, 10, 3], Op::Reshape, vec![8, 15, 3]),
        (vec![3, 48], Op::Slice { axis: 1, start: 16, end: 32 }, vec![3, 16]),
        (vec![3, 48], Op::Slice { axis: 1, start: 5, end: 12 }, vec![3, 7]),
        (vec![9, 4], Op::Slice { axis: 0, start: 1, end: 8 }, vec![7, 4]),
    ];
    for (from, op, to) in cases {
        let mut g = Model::new(13);
        let x = g.input(Elem::I8, &from, 0.1);
        let v = g.view(op.clone(), &[x], &to);
        // Squared, so that the view is read inside a product.
        let y = g.binary(Op::Mul, v, v);
        let mut case = g.finish(y);
        let x = case.inputs[0].to_vec();
        let at = |i: usize| match &op {
            Op::Transpose { .. } => {
                let (a, b, c) = (i / 24, i / 6 % 4, i % 6);
                x[(b * 6 + c) * 5 + a]
            }
            Op::Slice { axis: 1, start, .. } => x[i / to[1] * 48 + start + i % to[1]],
            Op::Slice { start, .. } => x[(i / 4 + start) * 4 + i % 4],
            _ => x[i],
        };
        let want: Vec<i32> = (0..x.len().min(to.iter().product())).map(|i| at(i) * at(i)).collect();
        assert_eq!(case.verify(), want, "{op:?}");
    }
}

#[test]
fn concatenations_aligned_and_not() {
    for (a, b, c) in [(64, 64, 64), (5, 7, 2), (16, 48, 1)] {
        let mut g = Model::new(17);
        let parts: Vec<_> = [a, b, c].iter().map(|&n| g.input(Elem::I8, &[3, n], 0.1)).collect();
        let v = g.view(Op::Concat { axis: 1 }, &parts, &[3, a + b + c]);
        let y = g.binary(Op::Mul, v, v);
        let mut case = g.finish(y);
        let mut want = vec![];
        for row in 0..3 {
            for t in &case.inputs {
                let n = t.shape().dims()[1];
                want.extend((0..n).map(|i| t.get(row * n + i) * t.get(row * n + i)));
            }
        }
        assert_eq!(case.verify(), want);
    }
}

/// Weights are read where they lie: turned, or a part of them.
#[test]
fn products_with_views_of_weights() {
    for (elem, m, k, n) in [(Elem::I8, 3, 5, 7), (Elem::I16, 1, 8, 70), (Elem::I12, 4, 33, 64)] {
        let mut g = Model::new(21);
        let x = g.input(Elem::I8, &[m, k], 0.1);
        let w = g.weight(elem, &[n, k], 0.1);
        let turned = g.view(Op::Transpose { perm: vec![1, 0] }, &[w], &[k, n]);
        let part = g.view(Op::Slice { axis: 0, start: 1, end: n }, &[w], &[n - 1, k]);
        let part = g.view(Op::Transpose { perm: vec![1, 0] }, &[part], &[k, n - 1]);
        let (all, some) = (g.matmul(x, turned), g.matmul(x, part));
        let y = g.quantize(all, Elem::I8, 16, 1, 11);
        let z = g.quantize(some, Elem::I8, 16, 1, 11);
        let y = g.view(Op::Concat { axis: 1 }, &[y, z], &[m, 2 * n - 1]);
        let mut case = g.finish(y);
        let (x, w) = (case.inputs[0].to_vec(), case.weights[0].to_vec());
        let turned: Vec<i32> = (0..k * n).map(|i| w[i % n * k + i / n]).collect();
        let all = reference_matmul(&x, &turned, m, k, n);
        let q = |i: usize, j: usize| rescale(all[i * n + j], 1, 11, Elem::I8);
        let want: Vec<i32> = (0..m)
            .flat_map(|i| (0..n).map(|j| q(i, j)).chain((1..n).map(|j| q(i, j))).collect::<Vec<_>>())
            .collect();
        assert_eq!(case.verify(), want, "{elem} {m} {k} {n}");
    }
}
