use super::{find, Arg, At, Call, OpError};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, Layout, NodeId};
use crate::shape::Shape;

fn input(b: &mut GraphBuilder, name: &str, elem: Elem, dims: &[usize]) -> NodeId {
    b.input(name, elem, Shape::new(dims), false)
}

fn weight(b: &mut GraphBuilder, name: &str, elem: Elem, dims: &[usize]) -> NodeId {
    b.weight(name, elem, Shape::new(dims), Layout::InOut)
}

fn try_op(b: &mut GraphBuilder, op: &str, t: &[NodeId], named: &[(&str, Arg)]) -> Result<NodeId, OpError> {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: t.to_vec(), named, elem: None, name: op.into() };
    find(op).unwrap().build(b, &call).map(|r| r[0])
}

fn op(b: &mut GraphBuilder, name: &str, t: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    try_op(b, name, t, named).unwrap()
}

fn quantize(b: &mut GraphBuilder, h: NodeId, elem: Elem) -> NodeId {
    let call = Call { tensors: vec![h], elem: Some(elem), name: "q".into(), ..Call::default() };
    find("quantize").unwrap().build(b, &call).unwrap()[0]
}

#[test]
fn matmul_errors_read_as_designed() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I8, &[1, 512]);
    let w = weight(&mut b, "w", Elem::I8, &[768, 10]);
    let e = try_op(&mut b, "matmul", &[x, w], &[]).unwrap_err();
    assert_eq!(e.at, At::Tensor(1));
    assert_eq!(e.message, "`matmul` needs equal inner dimensions: expected 512 rows, got 768");

    let x = input(&mut b, "x", Elem::I12, &[1, 768]);
    let wide = weight(&mut b, "layer.w", Elem::I16, &[768, 10]);
    let e = try_op(&mut b, "matmul", &[x, wide], &[]).unwrap_err();
    assert_eq!(e.message, "sum can leave (-2^30, 2^30)");
    assert_eq!(e.notes, ["x: I12, w: I16, k = 768: 768 * 2^11 * 2^15 = 2^35.6"]);
    assert_eq!(e.help.unwrap(), "narrow `w` to I8");

    let h = op(&mut b, "matmul", &[x, w], &[]);
    let w2 = weight(&mut b, "w2", Elem::I8, &[10, 10]);
    let e = try_op(&mut b, "matmul", &[h, w2], &[]).unwrap_err();
    assert_eq!(e.message, "`matmul` takes I8, I12, I16 or U8, got `Acc`");
    assert_eq!(e.help.unwrap(), "`matmul(quantize_int8(h), w2)`");
}

#[test]
fn a_gpt2_block_builds() {
    let mut b = GraphBuilder::new("block");
    let (d, ff) = (768, 3072);
    let x = input(&mut b, "x", Elem::I16, &[64, d]);
    let weights = |b: &mut GraphBuilder, n: &str, i, o| {
        (weight(b, n, Elem::I8, &[i, o]), weight(b, &format!("{n}_b"), Elem::I24, &[o]))
    };
    let (w_qkv, b_qkv) = weights(&mut b, "c_attn", d, 3 * d);
    let (w_out, b_out) = weights(&mut b, "attn_proj", d, d);
    let (w_fc, b_fc) = weights(&mut b, "c_fc", d, ff);
    let (w_proj, b_proj) = weights(&mut b, "c_proj", ff, d);

    let norm = |b: &mut GraphBuilder, x| {
        let x = quantize(b, x, Elem::I12);
        op(b, "layer_norm", &[x], &[])
    };
    let n = norm(&mut b, x);
    assert_eq!(b.ty(n).interval, Interval::new(-3548, 3548));
    let named = [
        ("heads", Arg::Int(12)),
        ("causal", Arg::Bool(true)),
        ("b_qkv", Arg::Tensor(b_qkv)),
        ("b_out", Arg::Tensor(b_out)),
    ];
    let a = op(&mut b, "attention", &[n, w_qkv, w_out], &named);
    let a = quantize(&mut b, a, Elem::I16);
    let x = op(&mut b, "add", &[x, a], &[]);
    let x = quantize(&mut b, x, Elem::I16);
    let n = norm(&mut b, x);
    let h = op(&mut b, "matmul", &[n, w_fc], &[]);
    let h = op(&mut b, "add", &[h, b_fc], &[]);
    let h = op(&mut b, "quantize_int8", &[h], &[]);
    let h = op(&mut b, "gelu", &[h], &[]);
    let h = op(&mut b, "matmul", &[h, w_proj], &[]);
    let h = op(&mut b, "add", &[h, b_proj], &[]);
    let h = quantize(&mut b, h, Elem::I16);
    let y = op(&mut b, "add", &[x, h], &[]);
    assert_eq!(b.ty(y).shape.dims(), [64, 768]);
    assert_eq!(b.graph().rescales.len(), 11 - 1);
}

#[test]
fn heads_must_divide_the_width() {
    let mut b = GraphBuilder::new("t");
    let t: Vec<_> = ["q", "k", "v"].iter().map(|n| input(&mut b, n, Elem::I8, &[4, 12])).collect();
    let e = try_op(&mut b, "attention", &t, &[("heads", Arg::Int(5))]).unwrap_err();
    assert_eq!(e.at, At::Named("heads".into()));
    assert_eq!(e.message, "`heads` must divide the width 12, got 5");
    assert_eq!(e.help.unwrap(), "these do: 1, 2, 3, 4, 6, 12");
    let mask = input(&mut b, "mask", Elem::U8, &[4]);
    let y = op(&mut b, "attention", &t, &[("heads", Arg::Int(3)), ("mask", Arg::Tensor(mask))]);
    assert_eq!((b.ty(y).elem, b.ty(y).shape.dims()), (Elem::I12, &[4, 12][..]));
    assert_eq!(b.ty(y).interval, Interval::new(-512, 511));
    assert_eq!(b.ty(mask).interval, Interval::new(0, 1));
    let g = b.finish();
    assert_eq!(g.steps.value(&g.ty(mask).step, &[f64::NAN; 8]), 1.0);
}

#[test]
fn scales_are_checked() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I8, &[4, 768]);
    let w = weight(&mut b, "w", Elem::I8, &[768, 8]);
    let h = op(&mut b, "matmul", &[x, w], &[]);
    for bad in [0.0, -1.0, f64::NAN] {
        let e = try_op(&mut b, "quantize_int8", &[h], &[("scale", Arg::Real(bad))]).unwrap_err();
        assert!(e.message.starts_with("`scale` must be positive, got"), "{}", e.message);
    }
    let e = try_op(&mut b, "quantize_int8", &[h], &[("scale", Arg::Real(1e-9))]).unwrap_err();
    assert_eq!(e.message, "no admissible scale at `scale = 0.000000001`");
    assert!(e.notes[1].starts_with("admissible: 3.052e-5 to "), "{:?}", e.notes);
    let e = try_op(&mut b, "quantize_int8", &[h], &[("shift", Arg::Int(18))]).unwrap_err();
    assert_eq!(e.notes[1], "admissible: 0 to 15");
    let e = try_op(&mut b, "quantize_int8", &[h], &[("window", Arg::Int(8))]).unwrap_err();
    assert_eq!(e.message, "no admissible scale");
    let q = op(&mut b, "quantize_int8", &[h], &[("shift", Arg::Int(10))]);
    assert_eq!(b.ty(q).step, b.ty(h).step.scaled(1024.0));
}

#[test]
fn signatures_are_checked() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I8, &[4, 6]);
    let e = try_op(&mut b, "slice", &[x], &[("axis", Arg::Int(1))]).unwrap_err();
    assert_eq!(e.message, "`slice` needs `range = ..`, a range like `0..64`");
    let e = try_op(&mut b, "slice", &[x], &[("axes", Arg::Int(1))]).unwrap_err();
    assert_eq!((e.message.as_str(), e.at), ("`slice` has no argument `axes`", At::Named("axes".into())));
    let e = try_op(&mut b, "add", &[x], &[]).unwrap_err();
    assert_eq!(e.message, "`add` takes 2 tensors (x, y), got 1");
    let e = try_op(&mut b, "relu", &[x], &[("by", Arg::Int(1))]).unwrap_err();
    assert_eq!(e.message, "`relu` has no argument `by`");
    let sq = op(&mut b, "mul", &[x, x], &[]);
    let e = try_op(&mut b, "add", &[sq, x], &[]).unwrap_err();
    assert_eq!(e.message, "steps contradict: step(x)^2 against step(x)");
}

#[test]
fn embeddings_and_grouped_heads_check_their_arguments() {
    let mut b = GraphBuilder::new("t");
    let table = weight(&mut b, "wte", Elem::I8, &[50304, 768]);
    let tokens = input(&mut b, "tokens", Elem::I24, &[64]);
    let e = op(&mut b, "embedding", &[tokens, table], &[]);
    assert_eq!((b.ty(e).elem, b.ty(e).shape.dims()), (Elem::I8, &[64, 768][..]));
    assert_eq!(b.ty(tokens).interval, Interval::new(0, 50303));
    // A smaller table narrows the tokens further, a larger one does not widen them.
    let small = weight(&mut b, "wpe", Elem::I8, &[1024, 768]);
    op(&mut b, "embedding", &[tokens, small], &[]);
    op(&mut b, "embedding", &[tokens, table], &[]);
    assert_eq!(b.ty(tokens).interval, Interval::new(0, 1023));
    let e = try_op(&mut b, "embedding", &[tokens, tokens], &[]).unwrap_err();
    assert_eq!((e.at, &e.message[..]), (At::Tensor(1), "`embedding` takes a table [v, d], got shape [64]"));
    let x = input(&mut b, "x", Elem::I8, &[64, 768]);
    let computed = op(&mut b, "relu", &[x], &[]);
    let two = weight(&mut b, "two", Elem::I8, &[2, 768]);
    let e = try_op(&mut b, "embedding", &[computed, two], &[]).unwrap_err();
    assert_eq!(
        e.message,
        "tokens name one of 2 rows: they must be an input or a weight, got values in [0, 127]"
    );

    let kv = input(&mut b, "kv", Elem::I8, &[64, 256]);
    let heads = |kv: i64| [("heads", Arg::Int(12)), ("kv_heads", Arg::Int(kv))];
    let y = op(&mut b, "attention", &[x, kv, kv], &heads(4));
    assert_eq!(b.ty(y).shape.dims(), [64, 768]);
    let e = try_op(&mut b, "attention", &[x, kv, kv], &heads(5)).unwrap_err();
    assert_eq!(e.message, "`kv_heads` must divide `heads` = 12, got 5");
    let e = try_op(&mut b, "attention", &[x, kv, kv], &heads(6)).unwrap_err();
    assert_eq!(
        e.message,
        "`attention` needs queries and keys of equal width over 2 heads each: [64, 768] and [64, 256]"
    );
    let named = [("heads", Arg::Int(12)), ("window", Arg::Int(0))];
    let e = try_op(&mut b, "attention", &[x, x, x], &named).unwrap_err();
    assert_eq!((e.at, &e.message[..]), (At::Named("window".into()), "`window` must be positive, got 0"));
    let short = input(&mut b, "short", Elem::I8, &[32, 768]);
    let named = [("heads", Arg::Int(12)), ("window", Arg::Int(8))];
    let e = try_op(&mut b, "attention", &[x, short, short], &named).unwrap_err();
    assert_eq!(e.message, "`window` needs as many queries as keys: got 64 and 32");
}

#[test]
fn norms_say_what_they_take() {
    for name in ["layer_norm", "rms_norm"] {
        let mut b = GraphBuilder::new("t");
        let x = input(&mut b, "x", Elem::I16, &[4, 768]);
        let y = op(&mut b, name, &[x], &[]);
        let ty = b.ty(y).clone();
        assert_eq!((ty.elem, ty.shape.dims(), ty.step.coef), (Elem::I16, &[4, 768][..], 1.0 / 128.0));
        assert_eq!(ty.interval, Interval::new(-3548, 3548));
        let y = op(&mut b, name, &[x], &[("fraction", Arg::Int(9)), ("epsilon", Arg::Real(1e-6))]);
        // 2^9 sqrt(768) = 14188.96
        let more = (name == "rms_norm") as i64;
        assert_eq!(b.ty(y).interval, Interval::new(-14189 - more, 14189 + more));
        assert_eq!(b.ty(y).step.coef, 1.0 / 512.0);

        let fails =
            |b: &mut GraphBuilder, x, named: &[(&str, Arg)]| try_op(b, name, &[x], named).unwrap_err();
        let bias = weight(&mut b, "bias", Elem::I24, &[4, 768]);
        let e = fails(&mut b, bias, &[]);
        assert_eq!(e.message, format!("`{name}` takes I8, I12 or I16, got `I24`"));
        assert_eq!(e.help.unwrap(), format!("`{name}(quantize::<I12>(bias))`"));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let e = fails(&mut b, x, &[("epsilon", Arg::Real(bad))]);
            assert_eq!(e.at, At::Named("epsilon".into()));
            assert_eq!(e.message, format!("`epsilon` must not be negative, got {bad}"));
        }
        for bad in [6, 10, -1, i64::MAX] {
            let e = fails(&mut b, x, &[("fraction", Arg::Int(bad))]);
            assert_eq!(e.at, At::Named("fraction".into()));
            assert_eq!(e.message, format!("`fraction` must be 7 to 9, got {bad}"));
        }
        let long = input(&mut b, "long", Elem::I16, &[4096]);
        let e = fails(&mut b, long, &[("fraction", Arg::Int(9))]);
        let reach = 32768 + more;
        assert_eq!(
            e.message,
            format!("`{name}` reaches {reach} with 4096 entries in a row, I16 holds 32767")
        );
        assert_eq!(e.help.unwrap(), "`fraction = 8`");
        let longer = input(&mut b, "longer", Elem::I16, &[4097]);
        let e = fails(&mut b, longer, &[]);
        assert_eq!(e.message, format!("`{name}` takes at most 4096 entries in a row, got 4097"));
        let scalar = input(&mut b, "scalar", Elem::I16, &[]);
        assert_eq!(
            fails(&mut b, scalar, &[]).message,
            format!("`{name}` takes at most 4096 entries in a row, got a scalar")
        );
    }
}

#[test]
fn reductions_name_their_axes() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I16, &[4, 6, 8]);
    let y = op(&mut b, "sum", &[x], &[("axes", Arg::Ints(vec![2, 0]))]);
    assert_eq!((b.ty(y).elem, b.ty(y).shape.dims()), (Elem::Acc, &[6][..]));
    assert_eq!(b.ty(y).interval, Elem::I16.interval().scale(32));
    let y = op(&mut b, "mean", &[x], &[("axis", Arg::Int(1)), ("keep", Arg::Bool(true))]);
    assert_eq!(b.ty(y).shape.dims(), [4, 1, 8]);
    assert_eq!(b.ty(y).step, b.ty(x).step.scaled(1.0 / 6.0));
    let y = op(&mut b, "max", &[x], &[]);
    assert_eq!((b.ty(y).elem, b.ty(y).shape.dims()), (Elem::I16, &[4, 6][..]));

    let e = try_op(&mut b, "sum", &[x], &[("axis", Arg::Int(3))]).unwrap_err();
    assert_eq!(
        (e.message.as_str(), e.at),
        ("`sum` has no axis 3: shape [4, 6, 8]", At::Named("axis".into()))
    );
    for bad in [vec![], vec![1, 1]] {
        let e = try_op(&mut b, "mean", &[x], &[("axes", Arg::Ints(bad))]).unwrap_err();
        assert!(e.message.starts_with("`axes` holds axes of [4, 6, 8], each once, got"), "{}", e.message);
    }
    let e = try_op(&mut b, "sum", &[x], &[("axes", Arg::Ints(vec![0, 5]))]).unwrap_err();
    assert_eq!(
        (e.message.as_str(), e.at),
        ("`sum` has no axis 5: shape [4, 6, 8]", At::Named("axes".into()))
    );
    let both = [("axes", Arg::Ints(vec![0])), ("axis", Arg::Int(0))];
    let e = try_op(&mut b, "sum", &[x], &both).unwrap_err();
    assert_eq!(e.message, "`axis` and `axes` name the same thing: give one of them");

    let wide = input(&mut b, "wide", Elem::I24, &[300]);
    let e = try_op(&mut b, "sum", &[wide], &[]).unwrap_err();
    assert_eq!(e.message, "sum can leave (-2^30, 2^30)");
    assert_eq!(e.notes, ["300 * [-8388608, 8388607] = [-2516582400, 2516582100]"]);
    let e = try_op(&mut b, "max", &[wide], &[]).unwrap_err();
    assert_eq!(e.message, "`max` takes I8, I12, I16 or U8, got `I24`");
    let long = input(&mut b, "long", Elem::I8, &[65537]);
    let e = try_op(&mut b, "max", &[long], &[]).unwrap_err();
    assert_eq!(e.message, "`max` compares at most 65536 entries, got 65537");
    let none = input(&mut b, "none", Elem::I8, &[]);
    let e = try_op(&mut b, "max", &[none], &[]).unwrap_err();
    assert_eq!(e.message, "`max` needs an axis, got a tensor without any");
}

#[test]
fn first_maxima_have_rules() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I8, &[4, 768]);
    let w = weight(&mut b, "w", Elem::I8, &[768, 50304]);
    let h = op(&mut b, "matmul", &[x, w], &[]);
    let y = op(&mut b, "argmax", &[h], &[("valid", Arg::Int(50257)), ("keep", Arg::Bool(true))]);
    assert_eq!((b.ty(y).elem, b.ty(y).shape.dims()), (Elem::Acc, &[4, 1][..]));
    assert_eq!((b.ty(y).interval, b.ty(y).step.coef), (Interval::new(0, 50303), 1.0));
    for bad in [0, 50305] {
        let e = try_op(&mut b, "argmax", &[h], &[("valid", Arg::Int(bad))]).unwrap_err();
        assert_eq!(e.message, format!("`valid` must be from 1 to 50304, got {bad}"));
    }
    let e = try_op(&mut b, "top_k", &[x], &[("k", Arg::Int(65))]).unwrap_err();
    assert_eq!(e.message, "`k` must be from 1 to 64, got 65");
    let e = try_op(&mut b, "top_k", &[x], &[("k", Arg::Int(3)), ("valid", Arg::Int(2))]).unwrap_err();
    assert_eq!(e.message, "`k` must be from 1 to 2, got 3");
    let e = try_op(&mut b, "top_k", &[x], &[]).unwrap_err();
    assert_eq!(e.message, "`top_k` needs `k = ..`, an integer");
    let long = input(&mut b, "long", Elem::I8, &[131073]);
    let e = try_op(&mut b, "argmax", &[long], &[]).unwrap_err();
    assert_eq!(e.message, "`argmax` compares at most 131072 entries, got 131073");

    let wide = op(&mut b, "mul", &[h], &[("by", Arg::Int(80))]);
    let e = try_op(&mut b, "first_max", &[wide], &[]).unwrap_err();
    assert!(e.message.starts_with("`first_max` cannot compare values in [-"), "{}", e.message);
    assert_eq!(e.help.unwrap(), "quantize first: `first_max(quantize::<I16>(h), ..)`");
}

#[test]
fn comparisons_have_rules() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I16, &[4, 6]);
    let y = input(&mut b, "y", Elem::I16, &[6]);
    let c = op(&mut b, "less", &[x, y], &[]);
    assert_eq!((b.ty(c).elem, b.ty(c).shape.dims()), (Elem::U8, &[4, 6][..]));
    assert_eq!(b.graph().steps.resolve(&b.ty(y).step), b.graph().steps.resolve(&b.ty(x).step));
    let s = op(&mut b, "select", &[c, x, y], &[]);
    assert_eq!((b.ty(s).elem, b.ty(s).interval), (Elem::Acc, Elem::I16.interval()));

    let sum = op(&mut b, "add", &[x, y], &[]);
    let e = try_op(&mut b, "equal", &[sum, y], &[]).unwrap_err();
    assert_eq!(e.message, "`equal` cannot tell apart values in [-98303, 98302]");
    assert_eq!(e.help.unwrap(), "quantize first: `equal(quantize::<I16>(h), ..)`");
    let e = try_op(&mut b, "greater", &[x], &[]).unwrap_err();
    assert_eq!(e.message, "`greater` needs two tensors, or one and `than = ..`");
    let e = try_op(&mut b, "equal", &[x, y], &[("to", Arg::Int(0))]).unwrap_err();
    assert_eq!(e.message, "`equal` takes two tensors or `to`, not both");
    let e = try_op(&mut b, "less", &[x], &[("to", Arg::Int(0))]).unwrap_err();
    assert_eq!(e.message, "`less` has no argument `to`");
    let e = try_op(&mut b, "less", &[x], &[("than", Arg::Real(f64::NAN))]).unwrap_err();
    assert_eq!(e.message, "`than` must be finite, got NaN");
    let e = try_op(&mut b, "select", &[x, x, y], &[]).unwrap_err();
    assert_eq!(e.message, "`select` takes flags, U8 in [0, 1], got `I16`");
    let z = input(&mut b, "z", Elem::I16, &[5]);
    let e = try_op(&mut b, "select", &[c, x, z], &[]).unwrap_err();
    assert_eq!(e.message, "`select` needs shapes that broadcast: [4, 6], [4, 6] and [5]");
}

#[test]
fn divisions_have_rules() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I16, &[4]);
    let by = |c| [("by", Arg::Int(c))];
    let y = op(&mut b, "div", &[x], &by(7));
    assert_eq!((b.ty(y).elem, b.ty(y).interval), (Elem::I16, Interval::new(-4682, 4681)));
    let y = op(&mut b, "div", &[x], &by(256));
    assert_eq!((b.ty(y).elem, b.ty(y).interval), (Elem::I8, Interval::new(-128, 127)));
    assert_eq!(b.ty(y).step, b.ty(x).step);
    assert_eq!(op(&mut b, "div", &[x], &by(1)), x);
    let wide = input(&mut b, "wide", Elem::I24, &[4]);
    let y = op(&mut b, "div", &[wide], &by(3));
    assert_eq!(
        (b.ty(y).elem, b.ty(y).interval),
        (Elem::I24, Interval::new(-2796203, -2796203 + (1 << 23) - 1))
    );
    for bad in [0, -3, 65537] {
        let e = try_op(&mut b, "div", &[x], &by(bad)).unwrap_err();
        assert_eq!(e.message, format!("a tensor is divided by an integer from 1 to 65536, got {bad}"));
        assert_eq!(e.at, At::Named("by".into()));
    }
    let huge = op(&mut b, "mul", &[wide], &[("by", Arg::Int(120))]);
    let e = try_op(&mut b, "div", &[huge], &by(7)).unwrap_err();
    assert_eq!(e.message, "a tensor in [-1006632960, 1006632840] is too wide to divide");
    assert_eq!(e.help.unwrap(), "quantize first: `quantize::<I16>(h) / 7`");
}

#[test]
fn fp8_has_rules() {
    let mut b = GraphBuilder::new("t");
    let x = input(&mut b, "x", Elem::I16, &[4]);
    let c = op(&mut b, "quantize_fp8_e4m3", &[x], &[]);
    assert_eq!((b.ty(c).elem, b.ty(c).step.clone()), (Elem::U8, b.ty(x).step.scaled(128.0)));
    let y = op(&mut b, "dequantize_e4m3", &[c], &[]);
    assert_eq!((b.ty(y).elem, b.ty(y).step.clone()), (Elem::I24, b.ty(x).step.scaled(0.25)));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let e = try_op(&mut b, "quantize_fp8_e5m2", &[x], &[("scale", Arg::Real(bad))]).unwrap_err();
        assert_eq!(e.message, format!("`scale` must be positive, got {bad}"));
    }
    let e = try_op(&mut b, "dequantize_e5m2", &[x], &[]).unwrap_err();
    assert_eq!(e.message, "`dequantize_e5m2` takes U8, got `I16`");
    assert_eq!(e.help.unwrap(), "codes are made by `quantize_fp8_e5m2(x)`");
}
