use super::*;
use crate::{f32_bytes, write_file};
use safetensors::Dtype;

fn conv_and_norm() -> FloatWeights {
    weights([
        ("conv.weight", tensor(&[2, 1, 1, 2], &[1.0, 2.0, 3.0, 4.0])),
        ("conv.bias", tensor(&[2], &[5.0, 6.0])),
        ("bn.weight", tensor(&[2], &[2.0, -1.0])),
        ("bn.bias", tensor(&[2], &[0.5, 3.0])),
        ("bn.running_mean", tensor(&[2], &[1.0, 8.0])),
        ("bn.running_var", tensor(&[2], &[3.0, 0.0])),
        ("bn.num_batches_tracked", tensor(&[], &[100.0])),
    ])
}

#[test]
fn folds_by_hand() {
    let mut w = conv_and_norm();
    w.fold_batch_norm("conv", "bn", 1.0).unwrap();
    // Factors 2 / sqrt(4) = 1 and -1 / sqrt(1) = -1; biases 1 * (5 - 1) + 0.5 and -1 * (6 - 8) + 3.
    let expected = weights([
        ("conv.weight", tensor(&[2, 1, 1, 2], &[1.0, 2.0, -3.0, -4.0])),
        ("conv.bias", tensor(&[2], &[4.5, 5.0])),
    ]);
    assert!(same(&w, &expected));
}

#[test]
fn folds_what_lies_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let ones = || f32_bytes(&[1.0, 1.0]);
    let vector = |name| (name, Dtype::F32, &[2][..], ones());
    let file = [
        ("conv.weight", Dtype::BF16, &[2, 1, 1][..], vec![0x80, 0x3f, 0x00, 0x40]),
        vector("bn.weight"),
        vector("bn.bias"),
        vector("bn.running_mean"),
        vector("bn.running_var"),
        ("bn.num_batches_tracked", Dtype::I64, &[], vec![0; 8]),
    ];
    write_file(&path, &file);
    let mut w = FloatWeights::open(dir.path()).unwrap();
    w.fold_batch_norm("conv", "bn", 3.0).unwrap();
    let expected =
        weights([("conv.weight", tensor(&[2, 1, 1], &[0.5, 1.0])), ("conv.bias", tensor(&[2], &[0.5, 0.5]))]);
    assert!(same(&w, &expected));
}

#[test]
fn makes_the_bias_and_takes_a_norm_without_gain() {
    let mut w = conv_and_norm();
    for name in ["conv.bias", "bn.weight", "bn.bias", "bn.num_batches_tracked"] {
        assert!(w.remove(name));
    }
    w.fold_batch_norm("conv", "bn", 1.0).unwrap();
    let expected = weights([
        ("conv.weight", tensor(&[2, 1, 1, 2], &[0.5, 1.0, 3.0, 4.0])),
        ("conv.bias", tensor(&[2], &[-0.5, -8.0])),
    ]);
    assert!(same(&w, &expected));
}

/// A convolution without padding, in f64: x \[in, h, w\].
fn conv(x: &[f64], [h, w]: [usize; 2], weight: &FloatTensor, bias: Option<&FloatTensor>) -> Vec<f64> {
    let [out, ci, kh, kw] = *weight.shape.dims() else { panic!() };
    let mut y = vec![];
    for o in 0..out {
        for (i, j) in (0..=h - kh).flat_map(|i| (0..=w - kw).map(move |j| (i, j))) {
            let mut sum = bias.map_or(0.0, |b| b.data[o] as f64);
            for c in 0..ci {
                for (p, q) in (0..kh).flat_map(|p| (0..kw).map(move |q| (p, q))) {
                    let weight = weight.data[((o * ci + c) * kh + p) * kw + q] as f64;
                    sum += weight * x[(c * h + i + p) * w + j + q];
                }
            }
            y.push(sum);
        }
    }
    y
}

fn norm(random: &mut Random, channels: usize) -> FloatWeights {
    let mut var = random.tensor(&[channels]);
    var.data.iter_mut().for_each(|v| *v = v.abs() + 0.1);
    weights([
        ("bn.weight", random.tensor(&[channels])),
        ("bn.bias", random.tensor(&[channels])),
        ("bn.running_mean", random.tensor(&[channels])),
        ("bn.running_var", var),
    ])
}

/// What the norm makes of y, `block` values for each channel.
fn normed(y: &[f64], w: &FloatWeights, block: usize) -> Vec<f64> {
    let of = |name: &str, c: usize| w.get(&format!("bn.{name}")).unwrap().data[c] as f64;
    let channels = w.dims("bn.weight").unwrap()[0];
    y.iter()
        .enumerate()
        .map(|(i, y)| {
            let c = i / block % channels;
            let x = (y - of("running_mean", c)) / (of("running_var", c) + 1e-5).sqrt();
            x * of("weight", c) + of("bias", c)
        })
        .collect()
}

#[test]
fn the_convolution_stays() {
    let mut random = Random(2);
    for (with_bias, depthwise) in [(true, false), (false, false), (true, true)] {
        let ci = if depthwise { 1 } else { 3 };
        let mut w = norm(&mut random, 5);
        let weight = random.tensor(&[5, ci, 3, 2]);
        let bias = with_bias.then(|| random.tensor(&[5]));
        let x: Vec<f64> = (0..ci * 6 * 7).map(|_| random.next() as f64).collect();
        let before = normed(&conv(&x, [6, 7], &weight, bias.as_ref()), &w, 4 * 6);
        w.insert("conv.weight", weight).unwrap();
        bias.into_iter().for_each(|b| w.insert("conv.bias", b).unwrap());
        w.fold_batch_norm("conv", "bn", 1e-5).unwrap();
        assert_eq!(w.names().collect::<Vec<_>>(), ["conv.bias", "conv.weight"]);
        let (weight, bias) = (w.get("conv.weight").unwrap(), w.get("conv.bias").unwrap());
        // 18 products of values below 1 and 3.2, each weight and the bias rounded once.
        assert_near(&conv(&x, [6, 7], &weight, Some(&bias)), &before, 5e-6);
    }
}

#[test]
fn the_linear_layer_stays() {
    let mut random = Random(3);
    let mut w = norm(&mut random, 4);
    let (weight, bias) = (random.tensor(&[6, 4]), random.tensor(&[4]));
    let x: Vec<f64> = (0..6).map(|_| random.next() as f64).collect();
    let before = normed(&linear(&x, &weight, Some(&bias)), &w, 1);
    w.insert("fc.weight", weight).unwrap();
    w.insert("fc.bias", bias).unwrap();
    w.fold_batch_norm("fc", "bn", 1e-5).unwrap();
    let after = linear(&x, &w.get("fc.weight").unwrap(), Some(&w.get("fc.bias").unwrap()));
    assert_near(&after, &before, 5e-6);
}

#[test]
fn kernels_of_one_and_three_axes() {
    for dims in [&[2, 1, 4][..], &[2, 1, 1, 2, 2]] {
        let mut w = conv_and_norm();
        w.insert("conv.weight", tensor(dims, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])).unwrap();
        w.fold_batch_norm("conv", "bn", 1.0).unwrap();
        let expected = tensor(dims, &[1.0, 2.0, 3.0, 4.0, -5.0, -6.0, -7.0, -8.0]);
        assert_eq!(*w.get("conv.weight").unwrap(), expected);
    }
}

#[test]
fn refuses() {
    let good = conv_and_norm();
    let with = |name: &str, t: FloatTensor| {
        let mut w = good.clone();
        w.insert(name, t).unwrap();
        w
    };
    let fold = |epsilon: f64| move |w: &mut FloatWeights| w.fold_batch_norm("conv", "bn", epsilon);
    for epsilon in [-1e-5, f64::NAN, f64::INFINITY] {
        let expected = format!("epsilon: expected a finite number, at least 0, got {epsilon}");
        assert_eq!(refused(&good, fold(epsilon)), expected);
    }
    let variance = "a variance that is not negative, and not 0 with epsilon";
    assert_eq!(
        refused(&good, fold(0.0)),
        format!("tensor `bn.running_var`: value 1: expected {variance}, got 0")
    );
    assert_eq!(
        refused(&with("bn.running_var", tensor(&[2], &[-0.5, 1.0])), fold(1.0)),
        format!("tensor `bn.running_var`: value 0: expected {variance}, got -0.5")
    );
    for part in ["weight", "bias", "running_mean", "running_var"] {
        let name = format!("bn.{part}");
        assert_eq!(
            refused(&with(&name, tensor(&[1, 2], &[1.0, 1.0])), fold(1.0)),
            format!("tensor `{name}`: expected shape [2], got shape [1, 2]")
        );
        let mut w = good.clone();
        w.remove(&name);
        let error = refused(&w, fold(1.0));
        assert!(error.starts_with(&format!("no tensor `{name}`")), "{error}");
    }
    assert_eq!(
        refused(&with("conv.bias", tensor(&[1], &[1.0])), fold(1.0)),
        "tensor `conv.bias`: expected shape [2], got shape [1]"
    );
    for dims in [&[4][..], &[2, 1, 1, 1, 1, 2]] {
        let error =
            refused(&with("conv.weight", tensor(dims, &[1.0; 4][..dims.iter().product()])), fold(1.0));
        let expected = "expected [in, out] or [out, in, kernel..]";
        assert_eq!(error, format!("tensor `conv.weight`: {expected}, got shape {dims:?}"));
    }
    assert_eq!(
        refused(&with("conv.weight", tensor(&[3, 1, 1, 1], &[1.0; 3])), fold(1.0)),
        "tensor `bn.running_mean`: expected shape [3], got shape [2]"
    );
    assert_eq!(
        refused(&with("bn.weight", tensor(&[2], &[1.0, f32::MAX])), fold(1.0)),
        "tensor `conv.weight`: value 2 is inf, which is no finite F32"
    );
}
