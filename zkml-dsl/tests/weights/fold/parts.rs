use super::*;

fn ramp(dims: &[usize]) -> FloatTensor {
    let n: usize = dims.iter().product();
    tensor(dims, &(0..n).map(|i| i as f32).collect::<Vec<_>>())
}

fn one(t: FloatTensor) -> FloatWeights {
    weights([("t", t)])
}

#[test]
fn pads_rows() {
    let mut w = one(ramp(&[2, 3]));
    w.pad_rows("t", 4).unwrap();
    let padded = tensor(&[4, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(*w.get("t").unwrap(), padded);
    w.pad_rows("t", 4).unwrap();
    assert_eq!(*w.get("t").unwrap(), padded);
    assert_eq!(refused(&w, |w| w.pad_rows("t", 3)), "tensor `t`: expected at most 3 rows, got shape [4, 3]");
    for rows in [usize::MAX, usize::MAX / 12, isize::MAX as usize / 12 + 1] {
        let expected = format!("rows: expected as many as memory can address, got {rows}");
        assert_eq!(refused(&w, |w| w.pad_rows("t", rows)), expected);
    }
    assert_eq!(
        refused(&one(tensor(&[], &[1.0])), |w| w.pad_rows("t", 3)),
        "tensor `t`: expected an axis, got shape []"
    );
    assert_eq!(refused(&w, |w| w.pad_rows("x", 3)), "no tensor `x`");
    let mut bias = one(tensor(&[1], &[5.0]));
    bias.pad_rows("t", 3).unwrap();
    assert_eq!(*bias.get("t").unwrap(), tensor(&[3], &[5.0, 0.0, 0.0]));
}

#[test]
fn slices() {
    let whole = one(ramp(&[3, 4, 2]));
    let at = |i, j, k| ((i * 4 + j) * 2 + k) as f32;
    for axis in 0..3 {
        let extent = [3, 4, 2][axis];
        for range in (0..extent).flat_map(|a| (a + 1..=extent).map(move |b| a..b)) {
            let mut w = whole.clone();
            w.slice("t", axis, range.clone()).unwrap();
            let mut ranges = [0..3, 0..4, 0..2];
            ranges[axis] = range;
            let dims = ranges.each_ref().map(|r| r.len());
            let [a, b, c] = ranges;
            let mut data = vec![];
            a.for_each(|i| b.clone().for_each(|j| c.clone().for_each(|k| data.push(at(i, j, k)))));
            assert_eq!(*w.get("t").unwrap(), tensor(&dims, &data));
        }
    }
    let mut w = whole.clone();
    w.take_rows("t", 1..2).unwrap();
    assert_eq!(w.get("t").unwrap().data, [8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
    let slice = |axis, range| move |w: &mut FloatWeights| w.slice("t", axis, range);
    assert_eq!(refused(&whole, slice(1, 2..2)), "range: expected not empty, got 2..2");
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 2..1;
    assert_eq!(refused(&whole, slice(1, reversed)), "range: expected not empty, got 2..1");
    assert_eq!(refused(&whole, slice(3, 0..1)), "tensor `t`: expected an axis 3, got shape [3, 4, 2]");
    assert_eq!(
        refused(&whole, slice(1, 0..usize::MAX)),
        format!("tensor `t`: expected at least {} along axis 1, got shape [3, 4, 2]", usize::MAX)
    );
    assert_eq!(
        refused(&whole, |w| w.take_rows("t", 3..4)),
        "tensor `t`: expected at least 4 along axis 0, got shape [3, 4, 2]"
    );
}

#[test]
fn joins_rows_and_columns() {
    let parts = || {
        weights([
            ("q", tensor(&[2, 1], &[1.0, 2.0])),
            ("k", tensor(&[2, 2], &[3.0, 4.0, 5.0, 6.0])),
            ("kb", tensor(&[2], &[7.0, 8.0])),
            ("qb", tensor(&[1], &[9.0])),
        ])
    };
    let mut w = parts();
    w.concat_columns(&["q", "k"], "qk").unwrap();
    w.concat_rows(&["qb", "kb"], "qb").unwrap();
    let expected = weights([
        ("qk", tensor(&[2, 3], &[1.0, 3.0, 4.0, 2.0, 5.0, 6.0])),
        ("qb", tensor(&[3], &[9.0, 7.0, 8.0])),
    ]);
    assert!(same(&w, &expected));
    let mut w = parts();
    w.transpose("q").unwrap();
    w.concat_rows(&["k", "q"], "m").unwrap();
    assert_eq!(*w.get("m").unwrap(), tensor(&[3, 2], &[3.0, 4.0, 5.0, 6.0, 1.0, 2.0]));

    let w = parts();
    assert_eq!(
        refused(&w, |w| w.concat_rows(&["q", "k"], "m")),
        "tensor `k`: expected the extents [2, 1] of `q` except along axis 0, got shape [2, 2]"
    );
    assert_eq!(
        refused(&w, |w| w.concat_columns(&["q", "kb"], "m")),
        "tensor `kb`: expected the extents [2, 1] of `q` except along axis 1, got shape [2]"
    );
    assert_eq!(
        refused(&w, |w| w.concat_columns(&["q", "k"], "qb")),
        "cannot make `qb`: a tensor of that name exists"
    );
    assert_eq!(refused(&w, |w| w.concat_rows(&[], "m")), "names: expected at least one tensor, got none");
    assert!(refused(&w, |w| w.concat_rows(&["kb", "xxxxx"], "m")).starts_with("no tensor `xxxxx`"));
    assert_eq!(
        refused(&one(tensor(&[], &[1.0])), |w| w.concat_columns(&["t", "t"], "m")),
        "tensor `t`: expected an axis, got shape []"
    );
}

#[test]
fn what_is_cut_can_be_joined_again() {
    let whole = one(ramp(&[3, 6]));
    let mut w = whole.clone();
    for (i, part) in ["a", "b", "c"].into_iter().enumerate() {
        w.copy("t", part).unwrap();
        w.slice(part, 1, 2 * i..2 * i + 2).unwrap();
    }
    w.remove("t");
    w.concat_columns(&["a", "b", "c"], "t").unwrap();
    assert!(same(&w, &whole));
}

#[test]
fn reshapes() {
    let mut w = one(ramp(&[2, 6]));
    w.reshape("t", &[3, 1, 4]).unwrap();
    assert_eq!(*w.get("t").unwrap(), ramp(&[3, 1, 4]));
    for (dims, expected) in [
        (&[3, 5][..], "tensor `t`: expected as many values as [3, 5] has, got shape [3, 1, 4]"),
        (&[], "tensor `t`: expected as many values as [] has, got shape [3, 1, 4]"),
        (&[0, 4], "dims: expected rank at most 6 and no zero extent, got [0, 4]"),
        (
            &[12, 1, 1, 1, 1, 1, 1],
            "dims: expected rank at most 6 and no zero extent, got [12, 1, 1, 1, 1, 1, 1]",
        ),
    ] {
        assert_eq!(refused(&w, |w| w.reshape("t", dims)), expected);
    }
    // A product that wraps to 12 is none.
    let dims = [1 << 62, 4, 12];
    assert_eq!(
        refused(&w, |w| w.reshape("t", &dims)),
        format!("tensor `t`: expected as many values as {dims:?} has, got shape [3, 1, 4]")
    );
    assert_eq!(refused(&w, |w| w.transpose("t")), "tensor `t`: expected two axes, got shape [3, 1, 4]");
}

#[test]
fn transposes_what_matches() {
    let w = weights([
        ("l.0.q.weight", ramp(&[2, 3])),
        ("l.1.q.weight", ramp(&[1, 2])),
        ("l.1.norm.weight", ramp(&[2])),
        ("x.weight", ramp(&[2, 2])),
    ]);
    let mut turned = w.clone();
    assert_eq!(turned.transpose_matching("l.*.q|k.weight").unwrap(), 2);
    let expected = weights([
        ("l.0.q.weight", tensor(&[3, 2], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0])),
        ("l.1.q.weight", tensor(&[2, 1], &[0.0, 1.0])),
        ("l.1.norm.weight", ramp(&[2])),
        ("x.weight", ramp(&[2, 2])),
    ]);
    assert!(same(&turned, &expected));
    assert_eq!(turned.transpose_matching("l.*.v.weight").unwrap(), 0);
    assert_eq!(
        refused(&w, |w| w.transpose_matching("l.**").map(drop)),
        "tensor `l.1.norm.weight`: expected two axes, got shape [2]"
    );
}

#[test]
fn scales() {
    let mut w = one(tensor(&[3], &[1.0, -3.0, 0.0]));
    w.scale("t", -0.125).unwrap();
    assert_eq!(*w.get("t").unwrap(), tensor(&[3], &[-0.125, 0.375, 0.0]));
    for factor in [f64::NAN, f64::NEG_INFINITY] {
        let expected = format!("factor: expected a finite number, got {factor}");
        assert_eq!(refused(&w, |w| w.scale("t", factor)), expected);
    }
    assert_eq!(refused(&w, |w| w.scale("t", 1e39)), "tensor `t`: value 1 is inf, which is no finite F32");
}

#[test]
fn adds_what_stretches() {
    let base =
        || weights([("t", ramp(&[2, 1, 3])), ("u", ramp(&[1, 3])), ("v", tensor(&[2, 1, 1], &[10.0, 20.0]))]);
    let mut w = base();
    w.add("t", "u").unwrap();
    assert_eq!(w.get("t").unwrap().data, [0.0, 2.0, 4.0, 3.0, 5.0, 7.0]);
    w.add("t", "v").unwrap();
    assert_eq!(w.get("t").unwrap().data, [10.0, 12.0, 14.0, 23.0, 25.0, 27.0]);
    w.add("t", "t").unwrap();
    assert_eq!(*w.get("t").unwrap(), tensor(&[2, 1, 3], &[20.0, 24.0, 28.0, 46.0, 50.0, 54.0]));
    assert_eq!(w.len(), 3);
    w.insert("one", tensor(&[], &[1.0])).unwrap();
    w.add("u", "one").unwrap();
    assert_eq!(*w.get("u").unwrap(), tensor(&[1, 3], &[1.0, 2.0, 3.0]));

    let w = base();
    assert_eq!(
        refused(&w, |w| w.add("u", "t")),
        "tensor `t`: expected a shape that stretches to [1, 3] of `u`, got shape [2, 1, 3]"
    );
    assert_eq!(
        refused(&w, |w| w.add("v", "u")),
        "tensor `u`: expected a shape that stretches to [2, 1, 1] of `v`, got shape [1, 3]"
    );
    assert!(refused(&w, |w| w.add("t", "w")).starts_with("no tensor `w`"));
    let mut large = base();
    large.insert("u", tensor(&[3], &[0.0, f32::MAX, 0.0])).unwrap();
    large.insert("t", large.get("u").unwrap().into_owned()).unwrap();
    assert_eq!(refused(&large, |w| w.add("t", "u")), "tensor `t`: value 1 is inf, which is no finite F32");
}
