//! Runs on the card: every cell, every output and every multiplicity that the CPU has, at sizes that fill no block of threads.

use crate::models::Test;
use crate::same;
use libtest_mimic::Failed;
use std::sync::Arc;
use zkml_cuda::prover::{commit_weights, DeviceProver};
use zkml_cuda::trace::{Source, Tracer};
use zkml_cuda::{Device, DeviceCells};
use zkml_dsl::engine::{FloatTensor, FloatWeights};
use zkml_dsl::prelude::*;
use zkml_dsl::units::to_units;
use zkml_dsl::weights::{resolve, Shape};
use zkml_ir::calibrate::calibrate;
use zkml_ir::exec;
use zkml_ir::graph::Graph;
use zkml_ir::lower::lower;
use zkml_runtime::cells::Cells;
use zkml_runtime::protocol::{Label, Statement, System};
use zkml_runtime::security::SecurityLevel;

pub const TESTS: &[(&str, Test)] = &[
    ("trace::products_and_rescales", products),
    ("trace::functions", functions),
    ("trace::norms", norms),
    ("trace::attention", attentions),
    ("trace::views_and_broadcasts", views),
];

/// Values between -size and size that repeat after no round number of elements.
fn wave(dims: &[usize], seed: f32, size: f32) -> FloatTensor {
    let shape = Shape::new(dims);
    let data = (0..shape.len()).map(|i| size * (i as f32 * (0.37 + seed) + seed).sin()).collect();
    FloatTensor::new(shape, data)
}

/// Seeded weights and inputs for a graph, and the run of the second input on both.
fn check(device: &Arc<Device>, what: &str, graph: &Graph) -> Result<(), Failed> {
    let shape = |node| graph.ty(node).shape.dims().to_vec();
    let weights = graph.weights.iter().enumerate();
    let weights = weights.map(|(i, w)| (w.name.clone(), wave(&shape(w.node), 0.1 + i as f32, 0.4)));
    let weights = FloatWeights::from_tensors(weights.collect::<Vec<_>>())?;
    let sample = |seed: f32| {
        graph
            .inputs
            .iter()
            .enumerate()
            .map(|(i, p)| wave(&shape(p.node), seed + i as f32 * 0.21, 1.0))
            .collect()
    };
    let samples: Vec<Vec<FloatTensor>> = [0.5, 0.6, 0.7].map(sample).into();
    let (weights, params) = calibrate(graph, &resolve(graph, &weights)?, &samples)?;
    let lowered = lower(graph, &params)?;
    let inputs = samples[1].iter().enumerate().map(|(i, v)| to_units(graph, &params, i, &v.data));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;

    let expected = exec::trace(graph, &lowered, &params, &weights, &inputs)?;
    let system = System::new(lowered.plan.clone(), SecurityLevel::default(), Label::Inference)?;
    let prover = DeviceProver::new(device.clone(), system)?;
    let committed = commit_weights(&prover, &weights)?;
    let source = Source { graph, lowered: &lowered, params: &params, weights: &weights };
    let tracer = Tracer::new(device, source)?.ok_or("a tracer")?;
    let got = tracer.run(device, &committed, source, &inputs)?;
    same(&format!("{what}: outputs"), &expected.outputs, &got.outputs)?;
    for (t, (decl, cells)) in lowered.plan.tensors.iter().zip(&got.cells).enumerate() {
        let Some(DeviceCells::I32(cells)) = cells else { continue };
        let rows = expected.tensors[t].as_ref().ok_or("a tensor that the CPU has")?;
        let Cells::I32(rows) = Cells::from_row_major(&decl.axes, rows) else { unreachable!("words") };
        same(&format!("{what}: cells of `{}`", decl.name), &rows, &device.download(cells)?)?;
    }
    let statement =
        Statement { inputs: inputs.into_iter().map(Some).collect(), outputs: got.outputs.clone() };
    let counts = got.multiplicities(&prover, &committed, &statement.public(&prover.system)?)?;
    for (t, (expected, got)) in expected.multiplicities.iter().zip(&counts).enumerate() {
        let name = lowered.plan.tables[t].name();
        same(&format!("{what}: multiplicities of `{name}`"), expected, &device.download(got)?)?;
    }
    Ok(())
}

#[zk_model(M = 3, K = 5, N = 7)]
fn dense(x: Tensor<I8, M, K>, w: Weight<I8, K, N>, b: Weight<I24, N>) -> Tensor<I8, M, N> {
    quantize_int8(matmul(x, w) + b)
}

/// Windows of one table, of two, and remainders of two limbs.
#[zk_model(M = 3, K = 5, N = 7)]
fn wide(x: Tensor<I12, M, K>, w: Weight<I8, K, N>, v: Weight<I12, N, K>) -> Tensor<I16, M, K> {
    let h = quantize::<I12>(matmul(x, w), window = 20);
    quantize::<I16>(matmul(h, v))
}

#[zk_model(B = 2, M = 3, K = 5)]
fn batches(x: Tensor<I8, B, M, K>, y: Tensor<I8, B, K, M>) -> Tensor<I8, B, M, M> {
    quantize_int8(matmul(x, y))
}

fn products(device: &Arc<Device>) -> Result<(), Failed> {
    for (m, k, n) in [(1, 1, 1), (3, 5, 7), (1, 700, 3), (65, 130, 67), (64, 3, 192)] {
        let dims = dense::Dims { M: m, K: k, N: n };
        check(device, &format!("dense {m} {k} {n}"), dense::with(dims)?.graph())?;
    }
    for (m, k, n) in [(3, 5, 7), (10, 96, 33)] {
        let dims = wide::Dims { M: m, K: k, N: n };
        check(device, &format!("wide {m} {k} {n}"), wide::with(dims)?.graph())?;
    }
    for (b, m, k) in [(1, 3, 5), (5, 9, 70), (12, 17, 64)] {
        let dims = batches::Dims { B: b, M: m, K: k };
        check(device, &format!("batches {b} {m} {k}"), batches::with(dims)?.graph())?;
    }
    Ok(())
}

#[zk_model(N = 77)]
fn maps(x: Tensor<I8, N>) -> Tensor<I8, N> {
    let a = quantize_int8(gelu(x) + silu(x) * 2);
    let b = quantize_int8(tanh(a) - sigmoid(x));
    quantize_int8(relu(b) + abs(a))
}

fn functions(device: &Arc<Device>) -> Result<(), Failed> {
    for n in [1, 77, 1000] {
        check(device, &format!("{n}"), maps::with(maps::Dims { N: n })?.graph())?;
    }
    Ok(())
}

#[zk_model(T = 3, D = 12)]
fn norm8(x: Tensor<I8, T, D>) -> Tensor<I8, T, D> {
    quantize_int8(layer_norm(x, epsilon = 1e-5))
}

#[zk_model(T = 3, D = 12)]
fn norm12(x: Tensor<I12, T, D>) -> Tensor<I12, T, D> {
    quantize::<I12>(layer_norm(x, epsilon = 1e-5))
}

#[zk_model(T = 3, D = 12)]
fn norm16(x: Tensor<I16, T, D>) -> Tensor<I12, T, D> {
    quantize::<I12>(layer_norm(x, epsilon = 1e-5), window = 16)
}

#[zk_model(T = 3, D = 12)]
fn rms16(x: Tensor<I16, T, D>) -> Tensor<I12, T, D> {
    quantize::<I12>(rms_norm(x, epsilon = 1e-5), window = 16)
}

fn norms(device: &Arc<Device>) -> Result<(), Failed> {
    for (t, d) in [(1, 2), (3, 12), (5, 100), (2, 768), (3, 2048)] {
        check(device, &format!("I8, {t} {d}"), norm8::with(norm8::Dims { T: t, D: d })?.graph())?;
        check(device, &format!("I12, {t} {d}"), norm12::with(norm12::Dims { T: t, D: d })?.graph())?;
        check(device, &format!("I16, {t} {d}"), norm16::with(norm16::Dims { T: t, D: d })?.graph())?;
        check(
            device,
            &format!("root mean square, {t} {d}"),
            rms16::with(rms16::Dims { T: t, D: d })?.graph(),
        )?;
    }
    Ok(())
}

#[zk_model(T = 9, D = 12, HEADS = 3)]
fn causal(q: Tensor<I8, T, D>, k: Tensor<I8, T, D>, v: Tensor<I8, T, D>) -> Tensor<I8, T, D> {
    quantize_int8(attention(q, k, v, heads = HEADS, causal = true))
}

#[zk_model(T = 9, D = 12, HEADS = 3)]
fn near(q: Tensor<I8, T, D>, k: Tensor<I8, T, D>, v: Tensor<I8, T, D>) -> Tensor<I8, T, D> {
    quantize_int8(attention(q, k, v, heads = HEADS, window = 4))
}

#[zk_model(T = 9, D = 12, HEADS = 3)]
fn all(q: Tensor<I8, T, D>, k: Tensor<I8, T, D>, v: Tensor<I8, T, D>) -> Tensor<I8, T, D> {
    quantize_int8(attention(q, k, v, heads = HEADS))
}

fn attentions(device: &Arc<Device>) -> Result<(), Failed> {
    for (t, d, heads) in [(1, 4, 1), (9, 12, 3), (33, 96, 2), (300, 64, 1)] {
        let what = |kind: &str| format!("{kind}, {t} {d} {heads}");
        let dims = causal::Dims { T: t, D: d, HEADS: heads };
        check(device, &what("causal"), causal::with(dims)?.graph())?;
        check(device, &what("window"), near::with(near::Dims { T: t, D: d, HEADS: heads })?.graph())?;
        check(device, &what("all"), all::with(all::Dims { T: t, D: d, HEADS: heads })?.graph())?;
    }
    Ok(())
}

#[zk_model(A = 3, B = 10)]
fn views_of(x: Tensor<I8, A, B>, y: Tensor<I8, B>, w: Weight<I8, B, A>) -> Tensor<I8, B, A> {
    let t = quantize_int8(transpose(quantize_int8(x * y)) - w * 3);
    let s = quantize_int8(
        transpose(slice(transpose(t), axis = 1, range = 1..B)) + slice(t, axis = 0, range = 1..B),
    );
    quantize_int8(concat(s, slice(t, axis = 0, range = 0..1), axis = 0) * t)
}

fn views(device: &Arc<Device>) -> Result<(), Failed> {
    for (a, b) in [(1, 2), (3, 10), (24, 7), (6, 48)] {
        check(device, &format!("{a} {b}"), views_of::with(views_of::Dims { A: a, B: b })?.graph())?;
    }
    Ok(())
}
