use super::*;

#[test]
fn divides_by_hand() {
    let mut w = weights([
        ("l.weight", tensor(&[2, 4], &[-8.0, 1.0, 0.0, 0.0625, 4.0, -2.0, 0.0, 0.03125])),
        ("l.bias", tensor(&[4], &[1.0, 3.0, 5.0, 7.0])),
    ]);
    w.per_channel("l", "l.scale").unwrap();
    // Largest 8, 2, 0 and 1/16 of 8: scales 1, 1/4, 1 for zeros, and 1/64 instead of 1/128.
    let expected = weights([
        ("l.weight", tensor(&[2, 4], &[-8.0, 4.0, 0.0, 4.0, 4.0, -8.0, 0.0, 2.0])),
        ("l.bias", tensor(&[4], &[1.0, 12.0, 5.0, 448.0])),
        ("l.scale", tensor(&[4], &[1.0, 0.25, 1.0, 0.015625])),
    ]);
    assert!(same(&w, &expected));
}

#[test]
fn a_convolution_has_its_channels_first() {
    let mut w = weights([
        ("c.weight", tensor(&[2, 1, 1, 3], &[1.0, -8.0, 4.0, 2.0, 0.0, -1.0])),
        ("c.bias", tensor(&[2], &[3.0, 5.0])),
    ]);
    w.per_channel("c", "s").unwrap();
    let expected = weights([
        ("c.weight", tensor(&[2, 1, 1, 3], &[1.0, -8.0, 4.0, 8.0, 0.0, -4.0])),
        ("c.bias", tensor(&[2], &[3.0, 20.0])),
        ("s", tensor(&[2], &[1.0, 0.25])),
    ]);
    assert!(same(&w, &expected));
}

#[test]
fn zeros_and_no_bias() {
    let mut w = weights([("l.weight", tensor(&[1, 2], &[0.0, -0.0]))]);
    w.per_channel("l", "s").unwrap();
    let expected = weights([("l.weight", tensor(&[1, 2], &[0.0, -0.0])), ("s", tensor(&[2], &[1.0, 1.0]))]);
    assert!(same(&w, &expected));
}

#[test]
fn the_network_stays_and_every_column_uses_the_range() {
    let mut random = Random(4);
    let (mut weight, bias) = (random.tensor(&[9, 6]), random.tensor(&[6]));
    // Columns from 1 down to 2^-10 in size.
    weight.data.iter_mut().enumerate().for_each(|(i, v)| *v *= 0.25f32.powi((i % 6) as i32));
    let x: Vec<f64> = (0..9).map(|_| random.next() as f64).collect();
    let before = linear(&x, &weight, Some(&bias));
    let largest =
        |t: &FloatTensor, j: usize| t.data.iter().skip(j).step_by(6).fold(0.0f32, |m, v| m.max(v.abs()));
    let all = weight.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let old: Vec<f32> = (0..6).map(|j| largest(&weight, j)).collect();
    let mut w = weights([("l.weight", weight), ("l.bias", bias)]);
    w.per_channel("l", "s").unwrap();
    let (weight, s) = (w.get("l.weight").unwrap(), w.get("s").unwrap());
    let divided = linear(&x, &weight, Some(&w.get("l.bias").unwrap()));
    let restored: Vec<f64> = divided.iter().zip(&s.data).map(|(y, &s)| y * s as f64).collect();
    assert_near(&restored, &before, 2e-6);
    for (j, &old) in old.iter().enumerate() {
        let now = largest(&weight, j);
        assert!(now <= all * (1.0 + f32::EPSILON));
        match old >= all / 64.0 {
            true => assert!(now >= all * (1.0 - f32::EPSILON), "column {j}: {now} of {all}"),
            false => assert_eq!((s.data[j], now), (1.0 / 64.0, 64.0 * old)),
        }
    }
    assert!(old.iter().any(|&m| m < all / 64.0) && old[1..].iter().any(|&m| m >= all / 64.0));
}

#[test]
fn sizes_at_the_ends_of_f32() {
    for m in [f32::MIN_POSITIVE, f32::from_bits(1), f32::MAX] {
        let mut w = weights([("l.weight", tensor(&[1, 2], &[m, -m]))]);
        let before = w.clone();
        w.per_channel("l", "s").unwrap();
        assert_eq!(*w.get("s").unwrap(), tensor(&[2], &[1.0, 1.0]));
        assert_eq!(w.get("l.weight").unwrap(), before.get("l.weight").unwrap());
    }
}

#[test]
fn refuses() {
    let w = weights([
        ("l.weight", tensor(&[1, 2], &[1.0, 0.001])),
        ("l.bias", tensor(&[2], &[1.0, 2.0])),
        ("v.weight", tensor(&[2], &[1.0, 2.0])),
    ]);
    let scale = |linear: &'static str, s: &'static str| move |w: &mut FloatWeights| w.per_channel(linear, s);
    for taken in ["l.weight", "l.bias", "v.weight"] {
        let expected = format!("cannot make `{taken}`: a tensor of that name exists");
        assert_eq!(refused(&w, scale("l", taken)), expected);
    }
    assert_eq!(
        refused(&w, scale("v", "s")),
        "tensor `v.weight`: expected [in, out] or [out, in, kernel..], got shape [2]"
    );
    assert_eq!(refused(&w, scale("k", "s")), "no tensor `k.weight`; the nearest name is `l.weight`");
    let mut short = w.clone();
    short.insert("l.bias", tensor(&[1], &[1.0])).unwrap();
    assert_eq!(refused(&short, scale("l", "s")), "tensor `l.bias`: expected shape [2], got shape [1]");
    let mut large = w.clone();
    large.insert("l.bias", tensor(&[2], &[1.0, -f32::MAX])).unwrap();
    assert_eq!(refused(&large, scale("l", "s")), "tensor `l.bias`: value 1 is -inf, which is no finite F32");
}
