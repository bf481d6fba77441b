use super::*;

fn norm_and_linears() -> FloatWeights {
    weights([
        ("norm.weight", tensor(&[2], &[2.0, -1.0])),
        ("q.weight", tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ("q.bias", tensor(&[3], &[1.0, 2.0, 3.0])),
        ("k.weight", tensor(&[2, 1], &[7.0, 8.0])),
    ])
}

#[test]
fn folds_the_gain_alone() {
    let mut w = norm_and_linears();
    w.fold_rms_norm("norm", &["q", "k"]).unwrap();
    let expected = weights([
        ("q.weight", tensor(&[2, 3], &[2.0, 4.0, 6.0, -4.0, -5.0, -6.0])),
        ("q.bias", tensor(&[3], &[1.0, 2.0, 3.0])),
        ("k.weight", tensor(&[2, 1], &[14.0, -8.0])),
    ]);
    assert!(same(&w, &expected));
}

#[test]
fn the_network_stays() {
    let mut random = Random(1);
    let (gain, matrix) = (random.tensor(&[7]), random.tensor(&[7, 5]));
    let mut w = weights([("n.weight", gain.clone()), ("l.weight", matrix.clone())]);
    w.fold_rms_norm("n", &["l"]).unwrap();
    let x: Vec<f64> = (0..7).map(|_| random.next() as f64).collect();
    let rms = (x.iter().map(|v| v * v).sum::<f64>() / 7.0 + 1e-6).sqrt();
    let n: Vec<f64> = x.iter().map(|v| v / rms).collect();
    let with_gain: Vec<f64> = n.iter().zip(&gain.data).map(|(n, &g)| n * g as f64).collect();
    // Seven products of values below 3 and 1, each weight rounded once.
    assert_near(&linear(&n, &w.get("l.weight").unwrap(), None), &linear(&with_gain, &matrix, None), 2e-6);
}

#[test]
fn refuses() {
    let w = norm_and_linears();
    let wide = |w: &mut FloatWeights| {
        w.insert("k.weight", tensor(&[1, 2], &[7.0, 8.0]))?;
        w.fold_rms_norm("norm", &["q", "k"])
    };
    let mut turned = w.clone();
    turned.transpose("k.weight").unwrap();
    assert_eq!(refused(&turned, wide), "tensor `k.weight`: expected 2 rows [in, out], got shape [1, 2]");
    let fold = |norm: &'static str, linear: &'static str| {
        move |w: &mut FloatWeights| w.fold_rms_norm(norm, &["q", linear])
    };
    assert_eq!(refused(&w, fold("nrm", "k")), "no tensor `nrm.weight`; the nearest name is `norm.weight`");
    assert_eq!(refused(&w, fold("norm", "v")), "no tensor `v.weight`; the nearest name is `k.weight`");
    assert_eq!(refused(&w, fold("k", "q")), "tensor `k.weight`: expected one axis, got shape [2, 1]");
    let mut vector = w.clone();
    vector.reshape("k.weight", &[2]).unwrap();
    assert_eq!(
        refused(&vector, fold("norm", "k")),
        "tensor `k.weight`: expected two axes [in, out], got shape [2]"
    );
    let mut with_bias = w.clone();
    with_bias.insert("norm.bias", tensor(&[2], &[0.0, 0.0])).unwrap();
    assert_eq!(
        refused(&with_bias, fold("norm", "k")),
        "norm: expected the gain of an RMS norm alone, got a bias `norm.bias`"
    );
    let mut large = w.clone();
    large.insert("k.weight", tensor(&[2, 1], &[1.0, f32::MAX])).unwrap();
    large.insert("norm.weight", tensor(&[2], &[1.0, -2.0])).unwrap();
    assert_eq!(
        refused(&large, fold("norm", "k")),
        "tensor `k.weight`: value 1 is -inf, which is no finite F32"
    );
}
