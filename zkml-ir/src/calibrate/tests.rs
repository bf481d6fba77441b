use super::{calibrate, completeness, CalibrateError, CompletenessError};
use crate::elem::Elem;
use crate::float::{eval, FloatTensor};
use crate::graph::{Graph, GraphBuilder, Layout, NodeId};
use crate::ops::{find, Arg, Call};
use crate::shape::Shape;
use crate::testing::{inputs_of, integers, op, quantize, Random};

fn weight(b: &mut GraphBuilder, name: &str, elem: Elem, dims: &[usize]) -> NodeId {
    b.weight(name, elem, Shape::new(dims), Layout::InOut)
}

/// Root mean square of the difference to the float model, relative, on an input that calibration did not see.
fn error(g: &Graph, weights: &[FloatTensor], samples: &[Vec<FloatTensor>], unseen: &[FloatTensor]) -> f64 {
    error_from(0, g, weights, samples, unseen)
}

/// The same from one entry of the output on.
fn error_from(
    first: usize,
    g: &Graph,
    weights: &[FloatTensor],
    samples: &[Vec<FloatTensor>],
    unseen: &[FloatTensor],
) -> f64 {
    let (w, p) = calibrate(g, weights, samples).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(calibrate(g, weights, samples).unwrap(), (w.clone(), p.clone()), "deterministic");
    completeness(g, &p, &w).unwrap();
    let want = eval(g, weights, unseen).unwrap();
    let node = g.outputs[0].node;
    let got = &integers(g, &p, &w, &inputs_of(g, &p, unseen))[node];
    let step = g.steps.value(&g.ty(node).step, &p.steps);
    let square = |f: &dyn Fn(usize) -> f64| (first..got.len()).map(|i| f(i).powi(2)).sum::<f64>();
    let real = |i: usize| want[0].data[i] as f64;
    (square(&|i| got[i] as f64 * step - real(i)) / square(&real)).sqrt()
}

#[test]
fn a_perceptron_stays_close_to_its_float_model() {
    let (d, h) = (64, 96);
    let mut b = GraphBuilder::new("mlp");
    let x = b.input("x", Elem::I8, Shape::new([4, d]), false);
    let w1 = weight(&mut b, "w1", Elem::I8, &[d, h]);
    let b1 = weight(&mut b, "b1", Elem::I24, &[h]);
    let w2 = weight(&mut b, "w2", Elem::I8, &[h, 10]);
    let y = op(&mut b, "matmul", &[x, w1], &[]);
    let y = op(&mut b, "add", &[y, b1], &[]);
    let y = op(&mut b, "quantize_int8", &[y], &[]);
    let y = op(&mut b, "relu", &[y], &[]);
    let y = op(&mut b, "matmul", &[y, w2], &[]);
    b.output("logits", y);
    let g = b.finish();
    let mut r = Random(1);
    let weights = [r.tensor(&[d, h], 0.1), r.tensor(&[h], 0.3), r.tensor(&[h, 10], 0.1)];
    let samples: Vec<_> = (0..8).map(|_| vec![r.tensor(&[4, d], 1.0)]).collect();
    let e = error(&g, &weights, &samples, &[r.tensor(&[4, d], 1.0)]);
    assert!(e < 0.02, "{e}");
}

/// One hidden layer whose function is `f` of two projections, and the error behind the last.
fn gated(f: impl Fn(&mut GraphBuilder, NodeId, NodeId) -> NodeId) -> f64 {
    gated_by(0.3, f)
}

fn gated_by(scale: f32, f: impl Fn(&mut GraphBuilder, NodeId, NodeId) -> NodeId) -> f64 {
    let (d, h) = (48, 64);
    let mut b = GraphBuilder::new("gated");
    let x = b.input("x", Elem::I8, Shape::new([4, d]), false);
    let w1 = weight(&mut b, "gate", Elem::I8, &[d, h]);
    let w2 = weight(&mut b, "up", Elem::I8, &[d, h]);
    let w3 = weight(&mut b, "down", Elem::I8, &[h, 10]);
    let mut project = |w| {
        let y = op(&mut b, "matmul", &[x, w], &[]);
        op(&mut b, "quantize_int8", &[y], &[])
    };
    let (gate, up) = (project(w1), project(w2));
    let y = f(&mut b, gate, up);
    // Products of two normal variables have long tails: 8 bits would be what the error is about.
    let y = quantize(&mut b, y, Elem::I12);
    let y = op(&mut b, "matmul", &[y, w3], &[]);
    b.output("y", y);
    let g = b.finish();
    let mut r = Random(1);
    let weights = [r.tensor(&[d, h], scale), r.tensor(&[d, h], 0.1), r.tensor(&[h, 10], 0.1)];
    let samples: Vec<_> = (0..8).map(|_| vec![r.tensor(&[4, d], 1.0)]).collect();
    error(&g, &weights, &samples, &[r.tensor(&[4, d], 1.0)])
}

#[test]
fn gates_stay_close_to_their_float_models() {
    for (name, named) in [
        ("silu", vec![]),
        ("sigmoid", vec![]),
        ("tanh", vec![]),
        ("gelu", vec![("tanh", Arg::Bool(true))]),
        ("abs", vec![]),
        ("clamp", vec![("lo", Arg::Int(0)), ("hi", Arg::Int(6))]),
        ("clamp", vec![("lo", Arg::Real(-1.0)), ("hi", Arg::Real(1.0))]),
    ] {
        let e = gated(|b, gate, up| {
            let y = op(b, name, &[gate], &named);
            op(b, "mul", &[y, up], &[])
        });
        assert!(e < 0.03, "{name}: {e}");
    }
    let e = gated(|b, gate, up| {
        let bounds = [("lo", Arg::Real(0.5)), ("hi", Arg::Real(8.0))];
        let y = op(b, "clamp", &[gate], &bounds);
        let y = op(b, "rsqrt", &[y], &[("bits", Arg::Int(14))]);
        op(b, "mul", &[y, up], &[])
    });
    assert!(e < 0.02, "rsqrt: {e}");
    let e = gated(|b, gate, up| {
        let bounds = [("lo", Arg::Real(-8.0)), ("hi", Arg::Real(-0.5))];
        let y = op(b, "clamp", &[gate], &bounds);
        let y = op(b, "reciprocal", &[y], &[("bits", Arg::Int(13))]);
        op(b, "mul", &[y, up], &[])
    });
    assert!(e < 0.02, "reciprocal: {e}");
    let e = gated(|b, gate, up| {
        let y = op(b, "square", &[gate], &[]);
        let y = op(b, "quantize_int8", &[y], &[]);
        op(b, "mul", &[y, up], &[])
    });
    assert!(e < 0.045, "square: {e}");
}

/// Arguments far out where the function is flat: a step that covered them would leave little between -3 and 3.
#[test]
fn the_step_before_a_function_with_limits_is_fine() {
    for (name, most) in [("sigmoid", 0.013), ("tanh", 0.02)] {
        let e = gated_by(3.0, |b, gate, up| {
            let y = op(b, name, &[gate], &[]);
            op(b, "mul", &[y, up], &[])
        });
        assert!(e < most, "{name}: {e}");
    }
}

/// Pre-norm transformer block with the given residual element.
fn block(elem: Elem, t: usize, d: usize, heads: usize) -> Graph {
    block_with("layer_norm", Elem::I12, elem, t, d, heads)
}

/// The same with another normalisation, of what is quantised to `normed`.
fn block_with(norm: &str, normed: Elem, elem: Elem, t: usize, d: usize, heads: usize) -> Graph {
    let mut b = GraphBuilder::new("block");
    let x = b.input("x", elem, Shape::new([t, d]), false);
    let w_qkv = weight(&mut b, "w_qkv", Elem::I8, &[d, 3 * d]);
    let b_qkv = weight(&mut b, "b_qkv", Elem::I24, &[3 * d]);
    let w_out = weight(&mut b, "w_out", Elem::I8, &[d, d]);
    let b_out = weight(&mut b, "b_out", Elem::I24, &[d]);
    let w_fc = weight(&mut b, "w_fc", Elem::I8, &[d, 4 * d]);
    let w_proj = weight(&mut b, "w_proj", Elem::I8, &[4 * d, d]);
    let norm = |b: &mut GraphBuilder, x| {
        let x = quantize(b, x, normed);
        op(b, norm, &[x], &[])
    };
    let n = norm(&mut b, x);
    let named = [
        ("heads", Arg::Int(heads as i64)),
        ("causal", Arg::Bool(true)),
        ("b_qkv", Arg::Tensor(b_qkv)),
        ("b_out", Arg::Tensor(b_out)),
    ];
    let a = op(&mut b, "attention", &[n, w_qkv, w_out], &named);
    let a = quantize(&mut b, a, elem);
    let x = op(&mut b, "add", &[x, a], &[]);
    let n = norm(&mut b, x);
    let h = op(&mut b, "matmul", &[n, w_fc], &[]);
    let h = op(&mut b, "quantize_int8", &[h], &[]);
    let h = op(&mut b, "gelu", &[h], &[]);
    let h = op(&mut b, "matmul", &[h, w_proj], &[]);
    let h = quantize(&mut b, h, elem);
    let y = op(&mut b, "add", &[x, h], &[]);
    let y = quantize(&mut b, y, elem);
    b.output("y", y);
    b.finish()
}

fn block_weights(r: &mut Random, d: usize) -> Vec<FloatTensor> {
    let s = 1.0 / (d as f32).sqrt();
    vec![
        r.tensor(&[d, 3 * d], s),
        r.tensor(&[3 * d], 0.1),
        r.tensor(&[d, d], s),
        r.tensor(&[d], 0.1),
        r.tensor(&[d, 4 * d], s),
        r.tensor(&[4 * d, d], 0.5 * s),
    ]
}

#[test]
fn a_block_stays_close_to_its_float_model() {
    let (t, d) = (16, 48);
    for elem in [Elem::I12, Elem::I16] {
        let g = block(elem, t, d, 4);
        let mut r = Random(7);
        let weights = block_weights(&mut r, d);
        let samples: Vec<_> = (0..4).map(|_| vec![r.tensor(&[t, d], 1.0)]).collect();
        let e = error(&g, &weights, &samples, &[r.tensor(&[t, d], 1.0)]);
        assert!(e < 0.02, "{elem}: {e}");
    }
}

/// One token with an entry a thousand times the others: sixteen bits hold the other tokens, twelve do not.
#[test]
fn an_outlier_leaves_sixteen_bits_to_the_other_tokens() {
    let (t, d) = (16, 48);
    for norm in ["layer_norm", "rms_norm"] {
        let of = |normed| {
            let g = block_with(norm, normed, Elem::I16, t, d, 4);
            let mut r = Random(9);
            let weights = block_weights(&mut r, d);
            let mut sample = || {
                let mut x = r.tensor(&[t, d], 1.0);
                x.data[7] = 1000.0;
                vec![x]
            };
            let samples: Vec<_> = (0..4).map(|_| sample()).collect();
            error_from(d, &g, &weights, &samples, &sample())
        };
        let (wide, narrow) = (of(Elem::I16), of(Elem::I12));
        assert!(wide < 0.03 && wide * 3.0 < narrow, "{norm}: {wide} {narrow}");
    }
}

#[test]
fn outliers_coarsen_the_stream_and_never_leave_a_window() {
    let (t, d) = (8, 48);
    let mut r = Random(3);
    let weights = block_weights(&mut r, d);
    for (norm, normed) in [("layer_norm", Elem::I12), ("layer_norm", Elem::I16), ("rms_norm", Elem::I16)] {
        let g = block_with(norm, normed, Elem::I16, t, d, 4);
        for scale in [1e-3f32, 1.0, 300.0] {
            let mut x = r.tensor(&[t, d], scale);
            x.data[5] *= 200.0;
            let parameters = calibrate(&g, &weights, &[vec![x.clone()]]);
            let (w, p) = parameters.unwrap_or_else(|e| panic!("{norm} {scale}: {e}"));
            // Inputs that nobody calibrated for: the evaluator asserts the windows.
            for _ in 0..3 {
                let wild = vec![(0..t * d).map(|_| r.between(-(1 << 15), (1 << 15) - 1)).collect()];
                integers(&g, &p, &w, &wild);
            }
        }
    }
}

/// The output's step where so many equal products join one stream, in windows that make each coarser than its values ask for.
fn joined(parts: usize) -> f64 {
    let (k, d) = (1024, 16);
    let sixteen = |b: &mut GraphBuilder, h| {
        let named = [("window".into(), Arg::Int(16))].into_iter().collect();
        let call = Call { tensors: vec![h], named, elem: Some(Elem::I16), name: "q".into() };
        find("quantize").expect("known op").build(b, &call).unwrap()[0]
    };
    let mut b = GraphBuilder::new("joined");
    let x = b.input("x", Elem::I8, Shape::new([4, k]), false);
    let w = weight(&mut b, "w", Elem::I8, &[k, d]);
    let y = op(&mut b, "matmul", &[x, w], &[]);
    let mut sum = quantize(&mut b, y, Elem::I16);
    for _ in 0..parts {
        let part = sixteen(&mut b, y);
        // In the step of the stream, which the product alone would make finer.
        let part = sixteen(&mut b, part);
        sum = op(&mut b, "add", &[sum, part], &[]);
    }
    b.output("y", sum);
    let g = b.finish();
    let mut r = Random(3);
    let weights = [r.tensor(&[k, d], 0.1)];
    let (_, p) = calibrate(&g, &weights, &[vec![r.tensor(&[4, k], 1.0)]]).unwrap();
    g.steps.value(&g.ty(g.outputs[0].node).step, &p.steps)
}

#[test]
fn a_stream_is_coarsened_for_the_neediest_of_its_parts_once() {
    let (one, four) = (joined(1), joined(4));
    assert!(four < 1.5 * one, "{one} {four}");
}

#[test]
fn a_bias_that_does_not_fit_is_named() {
    // Behind a normalisation the step is a constant: nothing can give way.
    let mut b = GraphBuilder::new("t");
    let x = b.input("x", Elem::I8, Shape::new([1, 2]), false);
    let bias = weight(&mut b, "bias", Elem::I24, &[2]);
    let y = op(&mut b, "layer_norm", &[x], &[]);
    let y = op(&mut b, "add", &[y, bias], &[]);
    b.output("y", y);
    let g = b.finish();
    let t = |dims: &[usize], v: f32| FloatTensor::new(Shape::new(dims), vec![v; dims.iter().product()]);
    let e = calibrate(&g, &[t(&[2], 1e6)], &[vec![t(&[1, 2], 0.01)]]).unwrap_err();
    assert!(matches!(&e, CalibrateError::WeightRange { name, .. } if name == "bias"), "{e}");
    assert_eq!(calibrate(&g, &[t(&[2], 1.0)], &[]).unwrap_err(), CalibrateError::NoSamples);
}

#[test]
fn zeros_calibrate_to_something_provable() {
    let g = block(Elem::I16, 4, 8, 2);
    let mut r = Random(0);
    let zero: Vec<_> = block_weights(&mut r, 8)
        .into_iter()
        .map(|w| FloatTensor::new(w.shape.clone(), vec![0.0; w.data.len()]))
        .collect();
    let x = FloatTensor::new(Shape::new([4, 8]), vec![0.0; 32]);
    calibrate(&g, &zero, &[vec![x]]).unwrap();
}

#[test]
fn a_larger_multiplier_is_refused() {
    let g = block(Elem::I12, 8, 48, 4);
    let mut r = Random(5);
    let weights = block_weights(&mut r, 48);
    let (w, mut p) = calibrate(&g, &weights, &[vec![r.tensor(&[8, 48], 1.0)]]).unwrap();
    let good = p.rescales[1];
    p.rescales[1].m <<= 20;
    assert!(matches!(completeness(&g, &p, &w), Err(CompletenessError::Inadmissible { .. })));
    p.rescales[1] = crate::graph::Rescale { m: 1, s: 1 };
    assert!(matches!(completeness(&g, &p, &w), Err(CompletenessError::Window { .. })));
    p.rescales[1] = good;
    p.steps.pop();
    assert!(matches!(completeness(&g, &p, &w), Err(CompletenessError::Count { what: "steps", .. })));
}
