//! `zkml import`: an ONNX file as Rust.

use crate::args::Import;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{files, model};
use serde::Serialize;
use std::fmt::Write;
use zkml_dsl::engine::{Accuracy, CostReport};
use zkml_dsl::DynamicModel;
use zkml_onnx::compare::{compare, Compared};
use zkml_onnx::samples;

#[derive(Serialize)]
struct Imported {
    model: String,
    out: std::path::PathBuf,
    weights: std::path::PathBuf,
    inputs: Vec<String>,
    outputs: Vec<String>,
    ops: usize,
    cost: CostReport,
    /// With samples: what the integers lose against the same graph in floats, layer by layer.
    accuracy: Option<Accuracy>,
    /// With expected outputs: how far both are from these.
    compared: Option<Vec<Compared>>,
}

pub fn run(a: &Import, output: &Output) -> Outcome {
    let (import, samples) = model::onnx(&a.model, &a.source)?;
    let instance = import.instance()?;
    let cost = instance.report()?;
    let weights = a.weights.clone().unwrap_or_else(|| a.out.with_extension("safetensors"));
    let mut accuracy = None;
    let mut model: Option<DynamicModel> = None;
    if !samples.is_empty() {
        let floats = samples.iter().map(|s| import.sample(s)).collect::<Result<Vec<_>, _>>()?;
        let calibrated = instance.calibrate(&import.weights(), &floats)?;
        accuracy = Some(calibrated.as_ref().accuracy(&import.weights(), &floats)?);
        model = Some(calibrated);
    }
    let compared = match &a.expected {
        None => None,
        Some(path) => {
            let arrays = samples::read(path)?;
            let shapes = import.net.outputs.iter().map(|&v| &import.net.values[v]);
            let shapes = shapes.map(|v| (v.name.clone(), v.dims.clone())).collect();
            let expected = samples::split(path, &arrays, &shapes)?;
            if expected.len() != samples.len() {
                let message = format!("it has {} outputs for {} samples", expected.len(), samples.len());
                return Err(Failure::file(path, message));
            }
            Some(compare(&import, model.as_ref(), &samples, &expected)?)
        }
    };
    let source = import.rust_file(&a.model.file_name().unwrap_or_default().to_string_lossy());
    files::write(&weights, &import.safetensors())?;
    files::write(&a.out, source.as_bytes())?;
    let graph = instance.graph();
    let ports = |ports: &[zkml_ir::graph::Port]| -> Vec<String> {
        ports
            .iter()
            .map(|p| format!("{} {} {}", p.name, graph.ty(p.node).elem, graph.ty(p.node).shape))
            .collect()
    };
    let imported = Imported {
        model: import.program.name.clone(),
        out: a.out.clone(),
        weights,
        inputs: ports(&graph.inputs),
        outputs: ports(&graph.outputs),
        ops: import.program.steps.len(),
        cost,
        accuracy,
        compared,
    };
    output.result(&imported, || words(&imported));
    Ok(())
}

fn words(i: &Imported) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {} ops", i.model, i.ops);
    for (what, ports) in [("input", &i.inputs), ("output", &i.outputs)] {
        for port in ports {
            let _ = writeln!(out, "  {what:<7} {port}");
        }
    }
    let _ = writeln!(out, "  cost    {}", i.cost.line());
    let _ = writeln!(out, "  wrote   {} and {}", i.out.display(), i.weights.display());
    if let Some(accuracy) = &i.accuracy {
        let _ = write!(out, "\nwhat the integers lose\n{accuracy}");
    }
    if let Some(compared) = &i.compared {
        let _ = writeln!(out, "\nagainst the expected outputs   relative rms    cosine   largest difference   same largest entry");
        for c in compared {
            for (what, d) in [("as floats", Some(c.float)), ("as integers", c.integer)] {
                let Some(d) = d else { continue };
                let _ = writeln!(
                    out,
                    "  {:<14} {what:<12} {:>12.2e} {:>10.6} {:>15.2e} {:>14} of {}",
                    c.name, d.relative_rms, d.cosine, d.largest, d.same_largest, d.samples
                );
            }
        }
    }
    out
}
