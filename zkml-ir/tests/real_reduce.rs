//! Reductions, comparisons, selections, divisions and fp8 against the same graph over real numbers, with the errors
//! that the ops state; and through calibration.

mod common;

use common::Rng;
use zkml_ir::calibrate::calibrate;
use zkml_ir::elem::Elem;
use zkml_ir::exec::run;
use zkml_ir::float::{eval, FloatTensor};
use zkml_ir::graph::{Graph, GraphBuilder, Layout, NodeId, Params};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

fn all(b: &mut GraphBuilder, name: &str, t: &[NodeId], named: &[(&str, Arg)]) -> Vec<NodeId> {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: t.to_vec(), named, name: format!("{name}0"), ..Call::default() };
    find(name).unwrap().build(b, &call).unwrap()
}

fn op(b: &mut GraphBuilder, name: &str, t: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    all(b, name, t, named)[0]
}

/// Both readings of a graph of two inputs with the same step, each output in real numbers.
fn both(graph: &Graph, step: f64, elem: Elem, rng: &mut Rng) -> Vec<(Vec<f64>, Vec<f64>)> {
    let params = Params { rescales: vec![], steps: vec![step; graph.steps.len()] };
    let ints: Vec<IntTensor> = graph
        .inputs
        .iter()
        .map(|p| {
            let shape = graph.ty(p.node).shape.clone();
            let v: Vec<i32> = (0..shape.len()).map(|_| rng.within(elem.interval())).collect();
            IntTensor::new(shape, elem, &v).unwrap()
        })
        .collect();
    let real = |t: &IntTensor| {
        let data = t.to_vec().iter().map(|&v| (v as f64 * step) as f32).collect();
        FloatTensor::new(t.shape().clone(), data)
    };
    let floats = eval(graph, &[], &ints.iter().map(real).collect::<Vec<_>>()).unwrap();
    let got = run(graph, &params, &[], &ints).unwrap();
    let outputs = graph.outputs.iter().zip(got).zip(floats);
    outputs
        .map(|((port, got), want)| {
            let unit = graph.steps.value(&graph.ty(port.node).step, &params.steps);
            let got = got.to_vec().iter().map(|&v| v as f64 * unit).collect();
            (got, want.data.iter().map(|&v| v as f64).collect())
        })
        .collect()
}

#[test]
fn integers_stand_for_the_real_functions() {
    let mut rng = Rng(71);
    for elem in [Elem::I8, Elem::I12, Elem::I16] {
        let step = 1.0 / 64.0;
        let mut b = GraphBuilder::new("real");
        let x = b.input("x", elem, Shape::new([6, 10]), false);
        let y = b.input("y", elem, Shape::new([10]), false);
        let c = op(&mut b, "less", &[x, y], &[]);
        let exact = [
            op(&mut b, "sum", &[x], &[("axis", Arg::Int(0))]),
            op(&mut b, "mean", &[x], &[("axes", Arg::Ints(vec![0, 1]))]),
            op(&mut b, "max", &[x], &[("axis", Arg::Int(0))]),
            op(&mut b, "argmax", &[x], &[("valid", Arg::Int(7))]),
            op(&mut b, "first_max", &[x], &[("axis", Arg::Int(0))]),
            c,
            op(&mut b, "greater_equal", &[x], &[("than", Arg::Real(0.25))]),
            op(&mut b, "equal", &[x], &[("to", Arg::Real(0.5))]),
            op(&mut b, "select", &[c, x, y], &[]),
        ];
        let top = all(&mut b, "top_k", &[x], &[("k", Arg::Int(3))]);
        let exact = [&exact[..], &top].concat();
        let third = op(&mut b, "div", &[x], &[("by", Arg::Int(3))]);
        exact.iter().chain([&third]).enumerate().for_each(|(i, &n)| b.output(format!("o{i}"), n));
        let graph = b.finish();
        let found = both(&graph, step, elem, &mut rng);
        for (i, (got, want)) in found[..exact.len()].iter().enumerate() {
            for (g, w) in got.iter().zip(want) {
                assert!((g - w).abs() <= 1e-6 * w.abs().max(1.0), "{elem} output {i}: {g} {w}");
            }
        }
        // A floor: below by less than a step.
        let (got, want) = found.last().unwrap();
        assert!(got.iter().zip(want).all(|(g, w)| (-1e-9..step).contains(&(w - g))));
    }
}

#[test]
fn fp8_keeps_its_mantissa() {
    let mut rng = Rng(72);
    for (name, bits) in [("e4m3", 3), ("e5m2", 2)] {
        for elem in [Elem::I8, Elem::I12, Elem::I16] {
            let step = 0.013;
            let mut b = GraphBuilder::new("fp8");
            let x = b.input("x", elem, Shape::new([500]), false);
            let c = op(&mut b, &format!("quantize_fp8_{name}"), &[x], &[]);
            let y = op(&mut b, &format!("dequantize_{name}"), &[c], &[]);
            b.output("y", y);
            let found = both(&b.finish(), step, elem, &mut rng).remove(0);
            for (g, w) in found.0.iter().zip(&found.1) {
                // Half a unit of the mantissa; for I16 in E4M3 the smallest number is a quarter of a step.
                let most = w.abs() * 0.5f64.powi(bits + 1) + 1e-6;
                assert!((g - w).abs() <= most.max(step / 8.0), "{name} {elem} {g} {w}");
            }
        }
    }
}

/// A classifier's head: the index is that of the real model wherever its margin is clear.
#[test]
fn a_calibrated_head_chooses_what_the_real_one_does() {
    let (rows, k, n) = (8, 32, 40);
    let mut b = GraphBuilder::new("head");
    let x = b.input("x", Elem::I8, Shape::new([rows, k]), false);
    let w = b.weight("w", Elem::I8, Shape::new([k, n]), Layout::InOut);
    let bias = b.weight("b", Elem::I24, Shape::new([n]), Layout::InOut);
    let h = op(&mut b, "matmul", &[x, w], &[]);
    let h = op(&mut b, "add", &[h, bias], &[]);
    let y = op(&mut b, "argmax", &[h], &[("valid", Arg::Int(37))]);
    b.output("index", y);
    let q = op(&mut b, "quantize_int8", &[h], &[]);
    let positive = op(&mut b, "greater", &[q], &[("than", Arg::Int(0))]);
    let zero = op(&mut b, "sub", &[q, q], &[]);
    let rectified = op(&mut b, "select", &[positive, q, zero], &[]);
    let m = op(&mut b, "quantize_int8", &[rectified], &[]);
    let m = op(&mut b, "mean", &[m], &[("axis", Arg::Int(0))]);
    b.output("mean", m);
    let graph = b.finish();

    let mut rng = Rng(73);
    let mut tensor = |dims: &[usize], scale: f32| {
        let shape = Shape::new(dims.to_vec());
        let data = (0..shape.len()).map(|_| (rng.below(2001) as f32 / 1000.0 - 1.0) * scale).collect();
        FloatTensor::new(shape, data)
    };
    let weights = [tensor(&[k, n], 0.2), tensor(&[n], 0.1)];
    let samples: Vec<Vec<FloatTensor>> = (0..4).map(|_| vec![tensor(&[rows, k], 1.0)]).collect();
    let (ints, params) = calibrate(&graph, &weights, &samples).unwrap();
    let (mut agree, mut close) = (0, 0);
    for sample in &samples {
        let want = eval(&graph, &weights, sample).unwrap();
        let step = graph.steps.value(&graph.ty(0).step, &params.steps);
        let v: Vec<i32> =
            sample[0].data.iter().map(|&v| (v as f64 / step).round().clamp(-128.0, 127.0) as i32).collect();
        let input = IntTensor::new(sample[0].shape.clone(), Elem::I8, &v).unwrap();
        let got = run(&graph, &params, &ints, &[input]).unwrap();
        let pairs = got[0].to_vec();
        agree += pairs.iter().zip(&want[0].data).filter(|(g, w)| **g as f32 == **w).count();
        let unit = graph.steps.value(&graph.ty(graph.outputs[1].node).step, &params.steps);
        let means = got[1].to_vec();
        close += means
            .iter()
            .zip(&want[1].data)
            .filter(|(g, w)| (**g as f64 * unit - **w as f64).abs() < 0.05)
            .count();
    }
    assert!(agree >= 30, "{agree} of 32");
    assert!(close >= 156, "{close} of 160");
}
