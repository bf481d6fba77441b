//! `zkml calibrate`: scales from samples, and the integer model.

use crate::args::Calibrate;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::model::Model;
use crate::output::Output;
use serde::Serialize;
use std::path::{Path, PathBuf};
use zkml_dsl::weights::{resolve, save_model};
use zkml_ir::calibrate::{accuracy, calibrate, Accuracy, OutputAccuracy};

#[derive(Serialize)]
struct Calibrated {
    model: String,
    folder: PathBuf,
    weights: usize,
    samples: usize,
    /// Against real numbers, on the samples.
    outputs: Vec<OutputAccuracy>,
}

pub fn run(a: &Calibrate, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &a.source)?;
    if matches!(model, Model::Folder { .. }) {
        return Err(Failure::usage("the model of a folder is calibrated already"));
    }
    let instance = model.instance()?;
    let (weights, samples) =
        model.floats(instance.graph(), a.weights.as_deref(), a.source.samples.as_deref())?;
    let graph = instance.graph();
    let floats = resolve(graph, &weights).map_err(zkml_dsl::engine::Error::from)?;
    let (integers, params) = calibrate(graph, &floats, &samples).map_err(zkml_dsl::engine::Error::from)?;
    save(graph, &a.out)?;
    save_model(a.out.join(files::WEIGHTS), graph, &integers, &params)
        .map_err(zkml_dsl::engine::Error::from)?;
    let lost =
        accuracy(graph, &params, &integers, &floats, &samples).map_err(zkml_dsl::engine::Error::from)?;
    save_accuracy(Some(&lost), &a.out)?;
    let done = Calibrated {
        model: graph.name.clone(),
        folder: a.out.clone(),
        weights: integers.iter().map(|w| w.len()).sum(),
        samples: samples.len(),
        outputs: lost.outputs,
    };
    output.result(&done, || {
        let (folder, losses) = (done.folder.display(), losses(&done.outputs));
        format!("{}: {} integer weights in {folder}\n{losses}", done.model, done.weights)
    });
    Ok(())
}

/// The graph, which a folder's other files belong to.
pub fn save(graph: &zkml_ir::graph::Graph, folder: &Path) -> Outcome {
    files::write(&folder.join(files::GRAPH), &serde_json::to_vec(graph)?)
}

/// What the integers lose, for reports of proofs of this folder; what another calibration lost goes.
pub fn save_accuracy(accuracy: Option<&Accuracy>, folder: &Path) -> Outcome {
    let path = folder.join(files::ACCURACY);
    match accuracy {
        Some(accuracy) => files::write(&path, &serde_json::to_vec(accuracy)?),
        None => match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Failure::file(&path, e)),
            _ => Ok(()),
        },
    }
}

/// One line for each output.
pub fn losses(outputs: &[OutputAccuracy]) -> String {
    let line = |o: &OutputAccuracy| {
        let percent = o.relative_rms * 100.0;
        format!("  {:<7} {percent:.2} % from real numbers on the samples, cosine {:.6}\n", o.name, o.cosine)
    };
    outputs.iter().map(line).collect()
}
