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

/// Known values, and what stands in for the infinite ones.
#[test]
fn functions_of_one_number() {
    let apply = |name: &str, named: &[(&str, Arg)], x: &[f32]| {
        let mut b = GraphBuilder::new("t");
        let id = b.input("x", Elem::I8, Shape::new([x.len()]), false);
        let y = find(name).unwrap().build(&mut b, &call(&[id], named)).unwrap()[0];
        b.output("y", y);
        eval(&b.finish(), &[], &[tensor(&[x.len()], |i| x[i])]).unwrap().remove(0).data
    };
    let largest = 32767.0 / 256.0;
    let bounds = [("lo", Arg::Real(-1.5)), ("hi", Arg::Int(2))];
    let fine = [("bits", Arg::Int(20))];
    for (name, named, x, want) in [
        ("sigmoid", &[][..], vec![0.0, 1.0, -1.0, -200.0], vec![0.5, 0.731_058_6, 0.268_941_4, 0.0]),
        ("silu", &[], vec![0.0, 1.0, -1.0, -1e30], vec![0.0, 0.731_058_6, -0.268_941_4, 0.0]),
        ("tanh", &[], vec![0.0, 0.5, -0.5, 1e9], vec![0.0, 0.462_117_16, -0.462_117_16, 1.0]),
        ("gelu", &[("tanh", Arg::Bool(true))], vec![1.0, -1.0, -1e30], vec![0.841_192, -0.158_808, 0.0]),
        ("abs", &[], vec![-3.5, 2.0], vec![3.5, 2.0]),
        ("clamp", &bounds, vec![-7.0, -1.0, 1.0, 7.0], vec![-1.5, -1.0, 1.0, 2.0]),
        ("rsqrt", &[], vec![4.0, 0.0, -4.0, 1e-9], vec![0.5, largest, largest, largest]),
        ("reciprocal", &[], vec![-4.0, 0.0, 1e-9, -1e-9], vec![-0.25, largest, largest, -largest]),
        ("reciprocal", &fine, vec![1000.0, 1.0], vec![0.001, 32767.0 / 1_048_576.0]),
        ("square", &[], vec![-3.0, 0.5], vec![9.0, 0.25]),
        ("sqrt", &[], vec![6.25, 0.0, -4.0, 1e30], vec![2.5, 0.0, 0.0, 1e15]),
        ("log", &[], vec![1.0, 0.25, 1e10, 1e20], vec![0.0, -1.386_294_4, 23.025_85, 32767.0 / 1024.0]),
        ("log", &[], vec![0.0, -1.0, 1e-30], vec![-32767.0 / 1024.0; 3]),
        ("sin", &[], vec![0.5, -0.5, 3e6], vec![0.479_425_54, -0.479_425_54, 0.0]),
        ("cos", &[], vec![0.5, -4.0, 3e6], vec![0.877_582_56, -0.653_643_6, 1.0]),
    ] {
        for (x, (got, want)) in x.iter().zip(apply(name, named, &x).iter().zip(&want)) {
            assert!((got - want).abs() <= 1e-6 * want.abs().max(1.0), "{name} {x}: {got} {want}");
        }
    }
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
