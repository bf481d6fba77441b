//! `zkml calibrate`: scales from samples, and the integer model.

use crate::args::Calibrate;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::model::Model;
use crate::output::Output;
use serde::Serialize;
use std::path::PathBuf;
use zkml_dsl::weights::{resolve, save_model};
use zkml_ir::calibrate::calibrate;

#[derive(Serialize)]
struct Calibrated {
    model: String,
    folder: PathBuf,
    weights: usize,
    samples: usize,
}

pub fn run(a: &Calibrate, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &a.source)?;
    if matches!(model, Model::Folder { .. }) {
        return Err(Failure::usage("the model of a folder is calibrated already"));
    }
    let instance = model.instance()?;
    let (weights, samples) = model.floats(&instance, a.weights.as_deref(), a.source.samples.as_deref())?;
    let graph = instance.graph();
    let floats = resolve(graph, &weights).map_err(zkml_dsl::engine::Error::from)?;
    let (integers, params) = calibrate(graph, &floats, &samples).map_err(zkml_dsl::engine::Error::from)?;
    save(graph, &a.out)?;
    save_model(a.out.join(files::WEIGHTS), graph, &integers, &params)
        .map_err(zkml_dsl::engine::Error::from)?;
    let done = Calibrated {
        model: graph.name.clone(),
        folder: a.out.clone(),
        weights: integers.iter().map(|w| w.len()).sum(),
        samples: samples.len(),
    };
    output.result(&done, || {
        format!("{}: {} integer weights in {}\n", done.model, done.weights, done.folder.display())
    });
    Ok(())
}

/// The graph, which a folder's other files belong to.
pub fn save(graph: &zkml_ir::graph::Graph, folder: &std::path::Path) -> Outcome {
    files::write(&folder.join(files::GRAPH), &serde_json::to_vec(graph)?)
}
