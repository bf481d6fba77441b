use super::{calibrate, completeness, CalibrateError, CompletenessError};
use crate::elem::Elem;
use crate::float::{eval, FloatTensor};
use crate::graph::{Graph, GraphBuilder, Layout, NodeId};
use crate::ops::Arg;
use crate::shape::Shape;
use crate::testing::{inputs_of, integers, op, quantize, Random};

fn weight(b: &mut GraphBuilder, name: &str, elem: Elem, dims: &[usize]) -> NodeId {
    b.weight(name, elem, Shape::new(dims), Layout::InOut)
}

/// Root mean square of the difference to the float model, relative, on an input that calibration did not see.
fn error(g: &Graph, weights: &[FloatTensor], samples: &[Vec<FloatTensor>], unseen: &[FloatTensor]) -> f64 {
    let (w, p) = calibrate(g, weights, samples).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(calibrate(g, weights, samples).unwrap(), (w.clone(), p.clone()), "deterministic");
    completeness(g, &p, &w).unwrap();
    let want = eval(g, weights, unseen).unwrap();
    let node = g.outputs[0].node;
    let got = &integers(g, &p, &w, &inputs_of(g, &p, unseen))[node];
    let step = g.steps.value(&g.ty(node).step, &p.steps);
    let square = |f: &dyn Fn(usize) -> f64| (0..got.len()).map(|i| f(i).powi(2)).sum::<f64>();
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

/// Pre-norm transformer block with the given residual element.
fn block(elem: Elem, t: usize, d: usize, heads: usize) -> Graph {
    let mut b = GraphBuilder::new("block");
    let x = b.input("x", elem, Shape::new([t, d]), false);
    let w_qkv = weight(&mut b, "w_qkv", Elem::I8, &[d, 3 * d]);
    let b_qkv = weight(&mut b, "b_qkv", Elem::I24, &[3 * d]);
    let w_out = weight(&mut b, "w_out", Elem::I8, &[d, d]);
    let b_out = weight(&mut b, "b_out", Elem::I24, &[d]);
    let w_fc = weight(&mut b, "w_fc", Elem::I8, &[d, 4 * d]);
    let w_proj = weight(&mut b, "w_proj", Elem::I8, &[4 * d, d]);
    let norm = |b: &mut GraphBuilder, x| {
        let x = quantize(b, x, Elem::I12);
        op(b, "layer_norm", &[x], &[])
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

#[test]
fn outliers_coarsen_the_stream_and_never_leave_a_window() {
    let (t, d) = (8, 48);
    let g = block(Elem::I16, t, d, 4);
    let mut r = Random(3);
    let weights = block_weights(&mut r, d);
    for scale in [1e-3f32, 1.0, 300.0] {
        let mut x = r.tensor(&[t, d], scale);
        x.data[5] *= 200.0;
        let (w, p) = calibrate(&g, &weights, &[vec![x.clone()]]).unwrap_or_else(|e| panic!("{scale}: {e}"));
        // Inputs that nobody calibrated for: the evaluator asserts the windows.
        for _ in 0..3 {
            let wild = vec![(0..t * d).map(|_| r.between(-(1 << 15), (1 << 15) - 1)).collect()];
            integers(&g, &p, &w, &wild);
        }
    }
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
