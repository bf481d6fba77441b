//! Whole models on the card: keys and proofs that the CPU makes.

use crate::bench::Row;
use crate::same;
use libtest_mimic::Failed;
use std::sync::Arc;
use zkml_cuda::prover::{commit_weights, DeviceProver};
use zkml_cuda::trace::{Source, TraceError, Tracer};
use zkml_cuda::Device;
use zkml_dsl::dynamic::IntTensor;
use zkml_dsl::engine::{Backend, FloatTensor, FloatWeights};
use zkml_dsl::prelude::*;
use zkml_dsl::weights::Shape;
use zkml_dsl::{DynamicInstance, DynamicModel, Elem};
use zkml_ir::exec::{self, RunError};
use zkml_ir::graph::{Graph, Rescale};
use zkml_ir::lower::lower;
use zkml_models::seeded::{self, tokens, Size};
use zkml_models::{bert, gpt2, llama, vision};
use zkml_runtime::protocol::{Label, System};
use zkml_runtime::security::SecurityLevel;

/// A test that needs the card for as long as a model lives.
pub type Test = fn(&Arc<Device>) -> Result<(), Failed>;
pub type Bench = fn(&Arc<Device>) -> Result<Row, Failed>;

pub const TESTS: &[(&str, Test)] = &[
    ("models::gpt2", gpt2_model),
    ("models::llama", llama_model),
    ("models::bert_with_a_mask", bert_model),
    ("models::resnet18", resnet_model),
    ("models::ops_and_private_inputs", ops_model),
    ("models::runs_that_leave_a_window", outside_the_window),
];

/// Tests that take the whole card: they run after the others.
pub const ALONE: &[(&str, Test)] = &[("models::too_little_memory", too_little_memory)];

pub const BENCHES: &[(&str, Bench)] = &[
    ("gpt2 small, setup", gpt2_setup),
    ("gpt2 small, 64 tokens, proof", |device| gpt2_proof(device, 64)),
    ("gpt2 small, 512 tokens, proof", |device| gpt2_proof(device, 512)),
];

type Samples = Vec<Vec<FloatTensor>>;

/// Sets a model up on both, proves the first sample on both, verifies.
fn check(
    device: &Arc<Device>,
    graph: &Graph,
    weights: &FloatWeights,
    samples: &Samples,
) -> Result<(), Failed> {
    let instance = DynamicInstance::new(graph.clone());
    let cpu = instance.calibrate(weights, samples)?;
    let gpu = instance.clone().on(Backend::Cuda(device.clone())).calibrate(weights, samples)?;
    same("key", &[cpu.verifier_key()], &[gpu.verifier_key()])?;
    let inputs = inputs(&cpu, &samples[0])?;
    let ((y, proof), (device_y, device_proof)) = (cpu.prove(&inputs)?, gpu.prove(&inputs)?);
    same("outputs", &y, &device_y)?;
    same("proof", &proof.to_bytes(), &device_proof.to_bytes())?;
    let public = graph.inputs.iter().zip(inputs).filter(|(p, _)| !p.private).map(|(_, v)| v);
    Ok(instance.verify(&gpu.verifier_key(), &public.collect::<Vec<_>>(), &y, &device_proof)?)
}

fn inputs(model: &DynamicModel, sample: &[FloatTensor]) -> Result<Vec<IntTensor>, Failed> {
    let ports = model.graph().inputs.iter().zip(sample);
    ports.map(|(port, values)| Ok(model.to_units(&port.name, &values.data)?)).collect()
}

fn token_samples(words: usize, seq: usize) -> Samples {
    let sample = |seed| tokens(words, seq, seed).iter().map(|&t| t as f32).collect();
    (0..3).map(|seed| vec![FloatTensor::new(Shape::new([seq]), sample(seed))]).collect()
}

fn gpt2_of(config: gpt2::Config, seq: usize) -> Result<(Graph, FloatWeights, Samples), Failed> {
    let (weights, config) = gpt2::import(seeded::gpt2_model(config, 1), Some(config.layers))?;
    Ok((gpt2::gpt2::with(config.dims(seq))?.graph().clone(), weights, token_samples(config.words, seq)))
}

fn gpt2_model(device: &Arc<Device>) -> Result<(), Failed> {
    for (d, heads, seq) in [(128, 2, 12), (192, 3, 32)] {
        let config = gpt2::Config { d, heads, layers: 2, words: 300, context: 64 };
        let (graph, weights, samples) = gpt2_of(config, seq)?;
        check(device, &graph, &weights, &samples)?;
    }
    Ok(())
}

fn llama_model(device: &Arc<Device>) -> Result<(), Failed> {
    let config = llama::Config {
        d: 192,
        heads: 6,
        kv_heads: 2,
        head: 32,
        ff: 384,
        layers: 2,
        words: 500,
        theta: 10_000,
        factor: 1,
    };
    let weights = llama::import(seeded::llama_model(config, 2), &config)?;
    let graph = llama::llama::with(config.dims(20))?.graph().clone();
    check(device, &graph, &weights, &token_samples(config.words, 20))
}

fn bert_model(device: &Arc<Device>) -> Result<(), Failed> {
    let (size, seq) = (Size { d: 96, heads: 3, d_ff: 384 }, 24);
    let weights = seeded::bert_weights(size, 1, 3);
    let mask: Vec<f32> = (0..seq).map(|i| f32::from(u8::from(i < 19))).collect();
    let sample = |seed| {
        let x = FloatTensor::new(Shape::new([seq, size.d]), seeded::bert_input(size, seq, seed));
        vec![x, FloatTensor::new(Shape::new([seq]), mask.clone())]
    };
    let dims = bert::bert::Dims { SEQ: seq, D: size.d, HEADS: size.heads, L: 1 };
    let graph = bert::bert::with(dims)?.graph().clone();
    check(device, &graph, &weights, &(0..3).map(sample).collect())
}

fn resnet_model(device: &Arc<Device>) -> Result<(), Failed> {
    let weights = vision::resnet18::import(seeded::resnet18(8, 10, 4))?;
    let sample = |seed| vec![FloatTensor::new(Shape::new([3, 32, 32]), seeded::picture(seed))];
    let dims = vision::resnet18::resnet18::Dims { C: 8, CLASSES: 10 };
    let graph = vision::resnet18::resnet18::with(dims)?.graph().clone();
    check(device, &graph, &weights, &(0..3).map(sample).collect())
}

/// Ops with a recipe and without one, broadcasts, views that are copied, several outputs.
#[zk_model]
fn ops(
    x: Tensor<I8, 6, 12>,
    #[private] y: Tensor<I8, 6, 12>,
    w: Weight<I8, 12, 20>,
    b: Weight<I24, 20>,
) -> Tensor<I8, 20, 6> {
    let s = quantize_int8(x + y);
    let d = quantize_int8(x - y);
    let p = quantize_int8(s * d);
    let h = quantize_int8(matmul(p, w) + b);
    let f = quantize_int8(silu(h) + gelu(h) - relu(h));
    let n = quantize_int8(layer_norm(f, epsilon = 1e-5));
    let t = transpose(concat(slice(n, axis = 1, range = 0..7), slice(n, axis = 1, range = 7..20), axis = 1));
    quantize_int8(t * 3 - quantize_int8(transpose(softmax(n))))
}

fn wave(dims: &[usize], seed: f32, size: f32) -> FloatTensor {
    let shape = Shape::new(dims);
    let data = (0..shape.len()).map(|i| size * (i as f32 * (0.37 + seed) + seed).sin()).collect();
    FloatTensor::new(shape, data)
}

fn ops_model(device: &Arc<Device>) -> Result<(), Failed> {
    let tensors = [("w", wave(&[12, 20], 0.1, 0.3)), ("b", wave(&[20], 0.2, 0.5))];
    let weights = FloatWeights::from_tensors(tensors.map(|(n, t)| (n.to_string(), t)))?;
    let sample = |seed| vec![wave(&[6, 12], seed, 1.0), wave(&[6, 12], seed + 0.3, 0.7)];
    let graph = ops::with(ops::Dims {})?.graph().clone();
    check(device, &graph, &weights, &[0.5, 0.6, 0.7].map(sample).into())
}

#[zk_model]
fn product(x: Tensor<I8, 3, 8>, w: Weight<I8, 8, 5>) -> Tensor<I8, 3, 5> {
    quantize_int8(matmul(x, w))
}

/// A rescale that is too large for its window, which no set-up model has: the error is the CPU's.
fn outside_the_window(device: &Arc<Device>) -> Result<(), Failed> {
    let graph = product::with(product::Dims {})?.graph().clone();
    let tensor = |dims: [usize; 2], values: Vec<i32>| IntTensor::new(Shape::new(dims), Elem::I8, &values);
    let weights = vec![tensor([8, 5], (0..40).map(|i| i % 100 - 7).collect())?];
    let inputs = vec![tensor([3, 8], (0..24).map(|i| 5 * i - 60).collect())?];
    for (m, s, outside) in [(3, 9, false), (1 << 12, 1, true)] {
        let steps = zkml_ir::cost::placeholder(&graph).steps;
        let params = Params { rescales: vec![Rescale { m, s }], steps };
        let lowered = lower(&graph, &params)?;
        let system = System::new(lowered.plan.clone(), SecurityLevel::default(), Label::Inference)?;
        let prover = DeviceProver::new(device.clone(), system)?;
        let committed = commit_weights(&prover, &weights)?;
        let source = Source { graph: &graph, lowered: &lowered, params: &params, weights: &weights };
        let tracer = Tracer::new(device, source)?.ok_or("a tracer")?;
        let expected = exec::trace(&graph, &lowered, &params, &weights, &inputs);
        assert_eq!(matches!(expected, Err(RunError::Window { .. })), outside, "{expected:?}");
        match (expected, tracer.run(device, &committed, source, &inputs)) {
            (Ok(expected), Ok(got)) => same("outputs", &expected.outputs, &got.outputs)?,
            (Err(expected), Err(TraceError::Run(got))) => same("errors", &[expected], &[got])?,
            (expected, got) => {
                let (e, g) = (expected.map(|_| ()), got.map(|_| ()));
                return Err(format!("expected {e:?}, got {g:?}").into());
            }
        }
    }
    Ok(())
}

/// It is refused in numbers, nothing is lost, and the next proof is made.
fn too_little_memory(device: &Arc<Device>) -> Result<(), Failed> {
    let config = gpt2::Config { d: 128, heads: 2, layers: 1, words: 100, context: 16 };
    let (graph, weights, samples) = gpt2_of(config, 8)?;
    let instance = DynamicInstance::new(graph).on(Backend::Cuda(device.clone()));
    let model = instance.calibrate(&weights, &samples)?;
    let inputs = inputs(&model, &samples[0])?;
    let proven = model.prove(&inputs)?;
    // In pieces: what was freed and kept is in pieces too.
    let mut taken = vec![];
    for piece in [1 << 30, 1 << 26, 1 << 22, 1 << 20] {
        while let Ok(buffer) = device.zeros::<u8>("what others need", piece) {
            taken.push(buffer);
        }
    }
    let told = model.prove(&inputs).map(|_| ()).unwrap_err().to_string();
    if !told.contains(" needs ") || !told.contains(" bytes on the device, ") {
        return Err(format!("expected the bytes that lack, got: {told}").into());
    }
    drop(taken);
    same("proof", &[proven.1], &[model.prove(&inputs)?.1])
}

fn gpt2_setup(device: &Arc<Device>) -> Result<Row, Failed> {
    let (graph, weights, samples) = gpt2_of(gpt2::Config::SMALL, 64)?;
    let instance = DynamicInstance::new(graph).on(Backend::Cuda(device.clone()));
    let model = instance.calibrate(&weights, &samples)?;
    let file = std::env::temp_dir().join(format!("zkml-gpu-suite-{}.safetensors", std::process::id()));
    model.save(&file)?;
    drop(model);
    let row = Row::measure(device, 124e6, "weights", || {
        instance.load(&file)?;
        Ok(())
    });
    let _ = std::fs::remove_file(&file);
    row
}

fn gpt2_proof(device: &Arc<Device>, seq: usize) -> Result<Row, Failed> {
    let (graph, weights, samples) = gpt2_of(gpt2::Config::SMALL, seq)?;
    let model =
        DynamicInstance::new(graph).on(Backend::Cuda(device.clone())).calibrate(&weights, &samples)?;
    drop(weights);
    let (inputs, lookups) = (inputs(&model, &samples[0])?, model.as_ref().figures().lookups);
    Row::measure(device, lookups as f64, "lookups", || {
        model.prove(&inputs)?;
        Ok(())
    })
}
