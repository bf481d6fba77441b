//! The report of what integers lose, against errors computed apart; and the widths that it recommends.

#[path = "common/blocks.rs"]
mod blocks;

use blocks::{gpt2_stack, op, quantize, to_integers, Random, Sizes};
use zkml_ir::calibrate::{self, accuracy, calibrate, recommend_widths, AccuracyError, Kind};
use zkml_ir::elem::Elem;
use zkml_ir::exec::{run, walk};
use zkml_ir::float::{eval, FloatTensor};
use zkml_ir::graph::{Graph, GraphBuilder, Layout, Op, Params};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

fn stack(layers: usize) -> (Graph, Vec<FloatTensor>, Vec<Vec<FloatTensor>>) {
    let g = gpt2_stack(&Sizes { t: 6, d: 24, heads: 2, stream: Elem::I16 }, layers);
    let mut r = Random(5);
    let weights = r.weights(&g);
    let samples = (0..2).map(|_| r.inputs(&g)).collect();
    (g, weights, samples)
}

fn square(v: impl Iterator<Item = f64>) -> f64 {
    v.map(|v| v * v).sum()
}

#[test]
fn walking_shows_what_running_gives() {
    let (g, weights, samples) = stack(2);
    let (w, p) = calibrate(&g, &weights, &samples).unwrap();
    let inputs = to_integers(&g, &p, &samples[0]);
    assert_eq!(calibrate::to_integers(&g, &p, &samples[0]).unwrap(), inputs);
    let (mut seen, mut last) = (vec![], vec![]);
    walk(&g, &p, &w, &inputs, |id, v| {
        assert_eq!(v.len(), g.ty(id).shape.len());
        seen.push(id);
        last = v.to_vec();
    })
    .unwrap();
    let shown: Vec<usize> =
        (0..g.nodes.len()).filter(|&id| !matches!(g.node(id).op, Op::Weight(_))).collect();
    assert_eq!(seen, shown);
    assert_eq!(last, run(&g, &p, &w, &inputs).unwrap()[0].to_vec());
}

#[test]
fn the_report_agrees_with_errors_computed_apart() {
    let (g, weights, samples) = stack(3);
    let (w, p) = calibrate(&g, &weights, &samples).unwrap();
    let report = accuracy(&g, &p, &w, &weights, &samples).unwrap();

    let (mut noise, mut signal) = (0.0, 0.0);
    let step = g.steps.value(&g.ty(g.outputs[0].node).step, &p.steps);
    let mut worst = 0f64;
    for s in &samples {
        let got = run(&g, &p, &w, &to_integers(&g, &p, s)).unwrap().remove(0);
        let want = eval(&g, &weights, s).unwrap().remove(0);
        let off = |i: usize| got.get(i) as f64 * step - want.data[i] as f64;
        noise += square((0..got.len()).map(off));
        signal += square(want.data.iter().map(|&v| v as f64));
        worst = (0..got.len()).map(|i| off(i).abs()).fold(worst, f64::max);
    }
    let out = &report.outputs[0];
    assert!((out.relative_rms - (noise / signal).sqrt()).abs() < 1e-12);
    assert_eq!((out.worst.got - out.worst.want).abs(), worst);
    assert!(out.cosine > 0.999 && out.cosine <= 1.0 + 1e-12, "{}", out.cosine);

    for (decl, (int, float)) in g.weights.iter().zip(w.iter().zip(&weights)) {
        let t = report.tensors.iter().find(|t| t.name == decl.name).unwrap();
        assert_eq!(t.kind, Kind::Weight);
        let step = g.steps.value(&g.ty(decl.node).step, &p.steps);
        let noise = square((0..int.len()).map(|i| int.get(i) as f64 * step - float.data[i] as f64));
        let db = 10.0 * (square(float.data.iter().map(|&v| v as f64)) / noise).log10();
        assert!((t.snr_db.unwrap() - db).abs() < 1e-9 && t.own_snr_db == t.snr_db, "{}", t.name);
        let ends = |i: &usize| {
            [g.ty(decl.node).interval.lo, g.ty(decl.node).interval.hi].contains(&(int.get(*i) as i64))
        };
        assert_eq!(t.saturated, (0..int.len()).filter(ends).count() as f64 / int.len() as f64);
    }
    // What a tensor adds is less than what arrived, behind the first few.
    let late: Vec<_> = report.tensors.iter().filter(|t| t.kind == Kind::Quantized).skip(8).collect();
    assert!(late.iter().all(|t| t.own_snr_db.unwrap() > t.snr_db.unwrap()), "{late:?}");

    let paths: Vec<&str> = report.layers.iter().map(|l| l.path.as_str()).collect();
    assert_eq!(paths, ["", "blocks[0]", "blocks[1]", "blocks[2]"]);
    let all: usize = report.layers.iter().map(|l| l.tensors).sum();
    assert_eq!(all, report.tensors.len());
    let text = report.to_string();
    for word in ["(model)", "blocks[2]", "own dB", "relative rms", "cosine"] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
    let full = format!("{report:#}");
    assert!(report.tensors.iter().all(|t| full.contains(&t.name)));
    println!("{text}");
}

#[test]
fn a_weight_that_was_tampered_with_is_named() {
    let (g, weights, samples) = stack(2);
    let (mut w, p) = calibrate(&g, &weights, &samples).unwrap();
    let (at, index) = (g.weights.iter().position(|w| w.name == "blocks[1].w_fc").unwrap(), 77);
    let mut values = w[at].to_vec();
    values[index] = if values[index] > 0 { -128 } else { 127 };
    w[at] = IntTensor::new(w[at].shape().clone(), Elem::I8, &values).unwrap();
    let report = accuracy(&g, &p, &w, &weights, &samples).unwrap();
    let t = report.tensors.iter().find(|t| t.name == "blocks[1].w_fc").unwrap();
    assert_eq!((t.worst.index, t.worst.want), (index, weights[at].data[index] as f64));
    assert_eq!(report.layers[2].noisiest.as_ref().unwrap().0, "blocks[1].w_fc");
    assert!(report.layers[1].snr_db > report.layers[2].snr_db);
}

/// Integers that stand for their real numbers exactly.
#[test]
fn what_is_exact_is_said_to_be() {
    let mut b = GraphBuilder::new("exact");
    let x = b.input("x", Elem::I8, Shape::new([2, 3]), false);
    let w = b.weight("w", Elem::I8, Shape::new([3, 2]), Layout::InOut);
    let y = op(&mut b, "matmul", &[x, w], &[], None);
    b.output("y", y);
    let g = b.finish();
    let p = Params { rescales: vec![], steps: vec![0.5, 0.25] };
    let w = IntTensor::new(Shape::new([3, 2]), Elem::I8, &[1, -2, 3, 4, -128, 6]).unwrap();
    let float = FloatTensor::new(Shape::new([3, 2]), w.to_vec().iter().map(|&v| v as f32 * 0.25).collect());
    let x = FloatTensor::new(Shape::new([2, 3]), vec![0.5, 1.0, -3.5, 63.5, 0.0, 2.0]);
    let report =
        accuracy(&g, &p, std::slice::from_ref(&w), std::slice::from_ref(&float), &[vec![x.clone()]]).unwrap();
    assert!(report.tensors.iter().all(|t| t.snr_db.is_none()));
    assert_eq!((report.outputs[0].relative_rms, report.outputs[0].cosine), (0.0, 1.0));
    assert_eq!(report.tensors[0].saturated, 1.0 / 6.0);
    assert!(report.to_string().contains("exact"));

    let none = accuracy(&g, &p, std::slice::from_ref(&w), std::slice::from_ref(&float), &[]).unwrap_err();
    assert_eq!(none, AccuracyError::NoSamples);
    let e = accuracy(&g, &p, &[], std::slice::from_ref(&float), &[vec![x.clone()]]).unwrap_err();
    assert!(matches!(e, AccuracyError::Parameters(_)), "{e}");
    let e = accuracy(&g, &p, std::slice::from_ref(&w), &[], &[vec![x]]).unwrap_err();
    assert!(matches!(e, AccuracyError::Float(_)), "{e}");
    let e = accuracy(&g, &p, &[w], &[float], &[vec![]]).unwrap_err();
    assert!(matches!(e, AccuracyError::Float(_)), "{e}");
}

#[test]
fn widths_follow_their_definition() {
    let (g, weights, samples) = stack(2);
    let found = recommend_widths(&g, &weights, &samples, None).unwrap();
    let present = |t: &calibrate::Width| t.at.iter().find(|r| r.elem == t.present).unwrap().output_noise;
    assert_eq!(found.budget, found.tensors.iter().map(present).sum::<f64>());
    for t in &found.tensors {
        assert!(t.pattern.starts_with("blocks[*]."), "{}", t.pattern);
        assert_eq!(t.instances, 2);
        assert!(t.at[0].output_noise > t.at[1].output_noise && t.at[1].output_noise > t.at[2].output_noise);
        assert!(t.at[0].own_snr_db < t.at[1].own_snr_db && t.at[1].own_snr_db < t.at[2].own_snr_db);
        let within = t.at.iter().find(|r| r.output_noise <= found.budget / 4.0);
        assert_eq!(t.enough, within.map_or(Elem::I16, |r| r.elem));
    }
    println!("{found}");
    // Nothing to spare, and everything.
    let none = recommend_widths(&g, &weights, &samples, Some(0.0)).unwrap();
    assert!(none.tensors.iter().all(|t| t.enough == Elem::I16));
    let all = recommend_widths(&g, &weights, &samples, Some(1e9)).unwrap();
    assert!(all.tensors.iter().all(|t| t.enough == Elem::I8));
    let hints: Vec<String> = all.tensors.iter().filter_map(|t| t.hint()).collect();
    assert!(hints.iter().any(|h| h.contains("I8 is enough, now I16")), "{hints:?}");
    assert!(none.to_string().contains("use `quantize::<I16>`, now I8"), "{none}");
    assert!(recommend_widths(&g, &weights, &[], None).is_err());
}

/// Behind the identity the output's noise is the tensor's own.
#[test]
fn noise_at_the_output_is_measured() {
    let d = 32;
    let mut b = GraphBuilder::new("identity");
    let x = b.input("x", Elem::I16, Shape::new([4, d]), false);
    let q = quantize(&mut b, x, Elem::I12);
    let w = b.weight("w", Elem::I8, Shape::new([d, d]), Layout::InOut);
    let y = op(&mut b, "matmul", &[q, w], &[], None);
    b.output("y", y);
    let g = b.finish();
    let eye =
        FloatTensor::new(Shape::new([d, d]), (0..d * d).map(|i| (i % (d + 1) == 0) as u8 as f32).collect());
    let x = Random(3).tensor(&Shape::new([4, d]), 0.0, 1.0);
    let found = recommend_widths(&g, &[eye], &[vec![x]], None).unwrap();
    assert_eq!(found.tensors.len(), 1);
    for r in &found.tensors[0].at {
        let db = -10.0 * r.output_noise.log10();
        assert!((db - r.own_snr_db.unwrap()).abs() < 1e-6, "{db} {r:?}");
        // 6 dB a bit, less what the range is above the root mean square.
        let bits =
            [8.0, 12.0, 16.0][[Elem::I8, Elem::I12, Elem::I16].iter().position(|e| *e == r.elem).unwrap()];
        assert!((db - (6.02 * bits - 5.0)).abs() < 8.0, "{db} at {bits}");
    }
}
