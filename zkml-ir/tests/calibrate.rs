//! Calibrated transformer blocks: they lower, run, and stay close to their float models.

#[path = "common/blocks.rs"]
mod blocks;

use blocks::{bert, gpt2, gpt2_stack, to_integers, Random, Sizes};
use std::time::Instant;
use zkml_ir::calibrate::calibrate;
use zkml_ir::elem::Elem;
use zkml_ir::exec::run;
use zkml_ir::float::eval;
use zkml_ir::graph::Graph;
use zkml_ir::lower::lower;

/// Root mean square of the difference to the float model, relative, on an input that calibration did not see.
fn error(g: &Graph) -> f64 {
    let mut r = Random(11);
    let weights = r.weights(g);
    let samples: Vec<_> = (0..2).map(|_| r.inputs(g)).collect();
    let unseen = r.inputs(g);
    let (w, p) = calibrate(g, &weights, &samples).unwrap_or_else(|e| panic!("{}: {e}", g.name));
    lower(g, &p).unwrap_or_else(|e| panic!("{}: {e}", g.name));
    let got = run(g, &p, &w, &to_integers(g, &p, &unseen)).unwrap().remove(0);
    let want = eval(g, &weights, &unseen).unwrap().remove(0);
    let step = g.steps.value(&g.ty(g.outputs[0].node).step, &p.steps);
    let square = |f: &dyn Fn(usize) -> f64| (0..got.len()).map(|i| f(i).powi(2)).sum::<f64>();
    let difference = square(&|i| got.get(i) as f64 * step - want.data[i] as f64);
    (difference / square(&|i| want.data[i] as f64)).sqrt()
}

fn check(t: usize, d: usize, heads: i64) {
    let sizes = |stream| Sizes { t, d, heads, stream };
    let graphs = [
        gpt2(&sizes(Elem::I12)),
        gpt2(&sizes(Elem::I16)),
        // I16 leaves no room for 768 products with I8: BERT's stream goes straight into them.
        bert(&sizes(Elem::I12)),
    ];
    for g in graphs {
        let e = error(&g);
        println!("{}: {e:.4}", g.name);
        assert!(e < 0.02, "{}: {e}", g.name);
    }
}

#[test]
fn blocks_stay_within_two_per_cent() {
    check(16, 48, 4);
}

/// `cargo test --release -p zkml-ir --test calibrate -- --ignored --nocapture`
#[test]
#[ignore = "real size: some seconds for each block"]
fn real_blocks_stay_within_two_per_cent() {
    check(64, 768, 12);
}

/// `cargo test --release -p zkml-ir --features parallel --test calibrate gpt2_small -- --ignored --nocapture`
#[test]
#[ignore = "prints times: GPT-2 small, 12 blocks of 768 with random weights"]
fn times_of_gpt2_small() {
    let g = gpt2_stack(&Sizes { t: 64, d: 768, heads: 12, stream: Elem::I16 }, 12);
    let mut r = Random(1);
    let weights = r.weights(&g);
    let samples: Vec<_> = (0..2).map(|_| r.inputs(&g)).collect();
    let t = Instant::now();
    eval(&g, &weights, &samples[0]).unwrap();
    println!("one pass of floats {:?}", t.elapsed());
    let t = Instant::now();
    let (w, p) = calibrate(&g, &weights, &samples).unwrap();
    println!("calibrate on {} samples {:?}", samples.len(), t.elapsed());
    let t = Instant::now();
    zkml_ir::calibrate::completeness(&g, &p, &w).unwrap();
    println!("completeness {:?}", t.elapsed());
    println!("peak memory {}", peak());
}

/// The process's peak of resident memory, where the system says it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |l| l.trim().to_owned())
}
