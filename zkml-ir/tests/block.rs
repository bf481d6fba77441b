//! A GPT-2 block of real size, through the ops of the language: lowered, traced and held against its relations.
//!
//! `cargo test --release -p zkml-ir --features parallel --test block -- --ignored --nocapture` prints times and counts.

mod common;

use common::Rng;
use std::time::Instant;
use zkml_ir::elem::Elem;
use zkml_ir::exec::{debug_check, run, trace};
use zkml_ir::graph::{Graph, GraphBuilder, Layout, NodeId, Op, Params};
use zkml_ir::lower::lower;
use zkml_ir::ops::quantize::scale::Admissible;
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::plan::Source;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

fn op(b: &mut GraphBuilder, name: &str, t: &[NodeId], named: &[(&str, Arg)], elem: Option<Elem>) -> NodeId {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: t.to_vec(), named, elem, name: name.into() };
    find(name).unwrap().build(b, &call).unwrap()[0]
}

fn block(seq: usize, d: usize, heads: i64) -> Graph {
    let mut b = GraphBuilder::new("block");
    let x = b.input("x", Elem::I16, Shape::new([seq, d]), false);
    let weights = |b: &mut GraphBuilder, n: &str, i, o| {
        let w = b.weight(n, Elem::I8, Shape::new([i, o]), Layout::InOut);
        (w, b.weight(format!("{n}_b"), Elem::I24, Shape::new([o]), Layout::InOut))
    };
    let (w_qkv, b_qkv) = weights(&mut b, "c_attn", d, 3 * d);
    let (w_out, b_out) = weights(&mut b, "attn_proj", d, d);
    let (w_fc, b_fc) = weights(&mut b, "c_fc", d, 4 * d);
    let (w_proj, b_proj) = weights(&mut b, "c_proj", 4 * d, d);
    let quantize = |b: &mut GraphBuilder, x, elem| op(b, "quantize", &[x], &[], Some(elem));
    let norm = |b: &mut GraphBuilder, x| {
        let x = quantize(b, x, Elem::I12);
        op(b, "layer_norm", &[x], &[], None)
    };
    let n = norm(&mut b, x);
    let named = [
        ("heads", Arg::Int(heads)),
        ("causal", Arg::Bool(true)),
        ("b_qkv", Arg::Tensor(b_qkv)),
        ("b_out", Arg::Tensor(b_out)),
    ];
    let a = op(&mut b, "attention", &[n, w_qkv, w_out], &named, None);
    let a = quantize(&mut b, a, Elem::I16);
    let x = op(&mut b, "add", &[x, a], &[], None);
    let x = quantize(&mut b, x, Elem::I16);
    let n = norm(&mut b, x);
    let h = op(&mut b, "matmul", &[n, w_fc], &[], None);
    let h = op(&mut b, "add", &[h, b_fc], &[], None);
    let h = op(&mut b, "quantize_int8", &[h], &[], None);
    let h = op(&mut b, "gelu", &[h], &[], None);
    let h = op(&mut b, "matmul", &[h, w_proj], &[], None);
    let h = op(&mut b, "add", &[h, b_proj], &[], None);
    let h = quantize(&mut b, h, Elem::I16);
    let y = op(&mut b, "add", &[x, h], &[], None);
    b.output("y", y);
    b.finish()
}

/// Rescales that bring the accumulators of random weights to their targets, and steps of 1/50.
fn params(g: &Graph) -> Params {
    let rescales = g.rescales.iter().map(|r| {
        let node = g.node(r.node);
        let Op::Quantize { to, window, .. } = node.op else { panic!("a rescale of no quantisation") };
        let acc = g.ty(node.args[0]).interval;
        let real = (acc.max_abs() as f64 / 64.0).max(to.interval().hi as f64);
        let a = Admissible::new(acc, to, window);
        let (least, most) = a.ratios().unwrap();
        a.choose((to.interval().hi as f64 / real).clamp(least, most)).unwrap()
    });
    Params { rescales: rescales.collect(), steps: vec![0.02; g.steps.len()] }
}

fn values(g: &Graph, rng: &mut Rng) -> (Vec<IntTensor>, Vec<IntTensor>) {
    let mut random = |n: NodeId, spread: i64| {
        let ty = g.ty(n);
        let i = ty.interval;
        let v: Vec<i32> = (0..ty.shape.len())
            .map(|_| rng.within(zkml_ir::elem::Interval::new(i.lo / spread, i.hi / spread)))
            .collect();
        IntTensor::new(ty.shape.clone(), ty.elem, &v).unwrap()
    };
    let weights =
        g.weights.iter().map(|w| random(w.node, if g.ty(w.node).elem == Elem::I24 { 1 << 12 } else { 1 }));
    let weights: Vec<_> = weights.collect();
    (weights, g.inputs.iter().map(|p| random(p.node, 16)).collect())
}

#[test]
fn a_small_block_satisfies_its_relations() {
    let g = block(8, 48, 3);
    let p = params(&g);
    let (weights, inputs) = values(&g, &mut Rng(1));
    let lowered = lower(&g, &p).unwrap();
    let w = trace(&g, &lowered, &p, &weights, &inputs).unwrap();
    assert_eq!(w.outputs, run(&g, &p, &weights, &inputs).unwrap());
    debug_check(&lowered.plan, &w, &weights).unwrap();
}

/// User time of the process, which other load on the machine does not stretch.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    stat.split(' ').nth(13).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0) * 10
}

#[test]
#[ignore = "prints times"]
fn a_gpt2_block_in_full() {
    let g = block(64, 768, 12);
    let p = params(&g);
    let (weights, inputs) = values(&g, &mut Rng(1));
    let t = Instant::now();
    let lowered = lower(&g, &p).unwrap();
    println!("lower {:?}", t.elapsed());
    let plan = &lowered.plan;
    println!("cells {} lookups {}", plan.cells(|s| *s == Source::Trace), plan.n_lookups());
    for part in &lowered.parts {
        let cells: usize = plan.tensors[part.tensors.clone()]
            .iter()
            .filter(|t| t.source == Source::Trace)
            .map(|t| t.axes.len())
            .sum();
        let lookups: usize = plan.lookups[part.lookups.clone()].iter().map(|l| l.space.len()).sum();
        println!("  {:24} {:?} cells {cells} lookups {lookups}", part.name, g.ty(part.node).shape);
    }
    for t in &plan.tables {
        println!("  table {} 2^{}", t.name(), t.log_rows());
    }
    for _ in 0..5 {
        let (t, busy) = (Instant::now(), cpu_ms());
        let w = trace(&g, &lowered, &p, &weights, &inputs).unwrap();
        print!("trace {:?} ({} ms of processors)", t.elapsed(), cpu_ms() - busy);
        let (t, busy) = (Instant::now(), cpu_ms());
        assert_eq!(w.outputs, run(&g, &p, &weights, &inputs).unwrap());
        println!(" run {:?} ({} ms of processors)", t.elapsed(), cpu_ms() - busy);
    }
    if std::env::var_os("SKIP_DEBUG_CHECK").is_some() {
        return;
    }
    let t = Instant::now();
    let w = trace(&g, &lowered, &p, &weights, &inputs).unwrap();
    debug_check(plan, &w, &weights).unwrap();
    println!("debug check {:?}", t.elapsed());
}
