use super::*;

fn norm_and_linear() -> FloatWeights {
    let tensors = [
        ("ln.weight", tensor(&[2], &[2.0, -1.0])),
        ("ln.bias", tensor(&[2], &[0.5, 3.0])),
        ("fc.weight", tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ("fc.bias", tensor(&[3], &[10.0, 20.0, 30.0])),
        ("gate.weight", tensor(&[2, 1], &[7.0, 8.0])),
    ];
    FloatWeights::from_tensors(tensors.map(|(n, t)| (n.to_owned(), t))).unwrap()
}

#[test]
fn folds_a_layer_norm() {
    let mut w = norm_and_linear();
    w.fold_layer_norm("ln", &["fc", "gate"]).unwrap();
    // By hand: rows times 2 and -1; 10 + 0.5*1 + 3*4 = 22.5 and so on; 0.5*7 + 3*8 = 27.5.
    assert_eq!(*w.get("fc.weight").unwrap(), tensor(&[2, 3], &[2.0, 4.0, 6.0, -4.0, -5.0, -6.0]));
    assert_eq!(*w.get("fc.bias").unwrap(), tensor(&[3], &[22.5, 36.0, 49.5]));
    assert_eq!(*w.get("gate.weight").unwrap(), tensor(&[2, 1], &[14.0, -8.0]));
    assert_eq!(*w.get("gate.bias").unwrap(), tensor(&[1], &[27.5]));
    assert_eq!(w.names().collect::<Vec<_>>(), ["fc.bias", "fc.weight", "gate.bias", "gate.weight"]);
}

#[test]
fn a_fold_that_does_not_fit_changes_nothing() {
    let mut w = norm_and_linear();
    w.transpose("gate.weight").unwrap();
    let error = w.fold_layer_norm("ln", &["fc", "gate"]).unwrap_err();
    assert_eq!(error.to_string(), "tensor `gate.weight`: expected 2 rows [in, out], got shape [1, 2]");
    assert_eq!(*w.get("fc.bias").unwrap(), tensor(&[3], &[10.0, 20.0, 30.0]));
    assert_eq!(w.len(), 5);
    let error = w.fold_layer_norm("ln_1", &["fc"]).unwrap_err();
    assert!(matches!(error, WeightsError::NotFound { .. }), "{error}");
}

#[test]
fn the_network_stays() {
    let mut random = Random(5);
    let (gain, bias, matrix) = (random.tensor(&[7]), random.tensor(&[7]), random.tensor(&[7, 5]));
    let mut w = weights([("n.weight", gain.clone()), ("n.bias", bias.clone()), ("l.weight", matrix.clone())]);
    w.fold_layer_norm("n", &["l"]).unwrap();
    let n: Vec<f64> = (0..7).map(|_| random.next() as f64).collect();
    let affine = n.iter().zip(&gain.data).zip(&bias.data);
    let affine: Vec<f64> = affine.map(|((n, &g), &b)| n * g as f64 + b as f64).collect();
    let folded = linear(&n, &w.get("l.weight").unwrap(), Some(&w.get("l.bias").unwrap()));
    // Seven products of values below 1, each weight and the bias rounded once.
    assert_near(&folded, &linear(&affine, &matrix, None), 1e-6);
}
