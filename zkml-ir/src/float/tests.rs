use super::{eval, FloatError, FloatTensor};
use crate::elem::Elem;
use crate::graph::GraphBuilder;
use crate::ops::{find, Arg, Call};
use crate::shape::Shape;

fn tensor(dims: &[usize], f: impl Fn(usize) -> f32) -> FloatTensor {
    let shape = Shape::new(dims);
    let data = (0..shape.len()).map(f).collect();
    FloatTensor::new(shape, data)
}

fn call(tensors: &[usize], named: &[(&str, Arg)]) -> Call {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    Call { tensors: tensors.to_vec(), named, ..Call::default() }
}

#[test]
fn attention_of_one_head_by_hand() {
    let (t, d) = (5, 3);
    let mut b = GraphBuilder::new("t");
    let ids: Vec<_> =
        ["q", "k", "v"].iter().map(|n| b.input(*n, Elem::I8, Shape::new([t, d]), false)).collect();
    let mask = b.input("mask", Elem::U8, Shape::new([t]), false);
    let named = [("heads", Arg::Int(1)), ("causal", Arg::Bool(true)), ("mask", Arg::Tensor(mask))];
    let y = find("attention").unwrap().build(&mut b, &call(&ids, &named)).unwrap()[0];
    b.output("y", y);
    let g = b.finish();

    let x: Vec<_> = (0..3).map(|s| tensor(&[t, d], |i| ((i * 7 + s * 5) % 11) as f32 / 4.0 - 1.0)).collect();
    let flags = [1.0, 1.0, 0.0, 1.0, 1.0];
    let run =
        |m: &[f32; 5]| eval(&g, &[], &[x[0].clone(), x[1].clone(), x[2].clone(), tensor(&[t], |i| m[i])]);
    let y = run(&flags).unwrap().remove(0);
    for i in 0..t {
        let score =
            |j: usize| (0..d).map(|c| x[0].data[i * d + c] * x[1].data[j * d + c]).sum::<f32>() / 3f32.sqrt();
        let e: Vec<f32> = (0..t).map(|j| if j <= i { flags[j] * score(j).exp() } else { 0.0 }).collect();
        for c in 0..d {
            let want = (0..t).map(|j| e[j] * x[2].data[j * d + c]).sum::<f32>() / e.iter().sum::<f32>();
            assert!((y.data[i * d + c] - want).abs() < 1e-5);
        }
    }
    let error = run(&[0.0, 1.0, 1.0, 1.0, 1.0]).unwrap_err();
    assert!(matches!(error, FloatError::AllMasked { row: 0, .. }), "{error}");
}

#[test]
fn products_agree_with_the_definition() {
    for (m, k, n) in [(1, 1, 1), (5, 130, 7), (8, 64, 33)] {
        let mut b = GraphBuilder::new("t");
        let x = b.input("x", Elem::I8, Shape::new([2, m, k]), false);
        let w = b.input("w", Elem::I8, Shape::new([2, k, n]), false);
        let y = find("matmul").unwrap().build(&mut b, &call(&[x, w], &[])).unwrap()[0];
        b.output("y", y);
        let x = tensor(&[2, m, k], |i| (i * 37 % 101) as f32 - 50.0);
        let w = tensor(&[2, k, n], |i| (i * 53 % 97) as f32 - 48.0);
        let y = eval(&b.finish(), &[], &[x.clone(), w.clone()]).unwrap().remove(0);
        for (at, &got) in y.data.iter().enumerate() {
            let (batch, i, j) = (at / (m * n), at / n % m, at % n);
            let want: f32 =
                (0..k).map(|l| x.data[(batch * m + i) * k + l] * w.data[(batch * k + l) * n + j]).sum();
            assert_eq!(got, want);
        }
    }
}

#[test]
fn wrong_tensors_are_named() {
    let mut b = GraphBuilder::new("t");
    let x = b.input("x", Elem::I8, Shape::new([2]), false);
    b.output("y", x);
    let g = b.finish();
    assert!(matches!(eval(&g, &[], &[]), Err(FloatError::Count { what: "inputs", expected: 1, got: 0 })));
    assert!(matches!(eval(&g, &[], &[tensor(&[3], |_| 0.0)]), Err(FloatError::Shape { .. })));
    assert!(matches!(
        eval(&g, &[], &[tensor(&[2], |_| f32::NAN)]),
        Err(FloatError::NotFinite { index: 0, .. })
    ));
}

#[test]
fn norms_by_hand() {
    let root = 17f32.sqrt();
    for (name, want) in
        [("layer_norm", [-1.0, 1.0, 0.0, 0.0]), ("rms_norm", [3.0 / root, 5.0 / root, -1.0, -1.0])]
    {
        let mut b = GraphBuilder::new("t");
        let x = b.input("x", Elem::I16, Shape::new([2, 2]), false);
        let y = find(name).unwrap().build(&mut b, &call(&[x], &[("epsilon", Arg::Real(0.0))])).unwrap()[0];
        b.output("y", y);
        let x = tensor(&[2, 2], |i| [3.0, 5.0, -2.0, -2.0][i]);
        let y = eval(&b.finish(), &[], &[x]).unwrap().remove(0);
        y.data.iter().zip(want).for_each(|(y, want)| assert!((y - want).abs() < 1e-6, "{name}: {y} {want}"));
    }
}
