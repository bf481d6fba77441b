//! `zkml setup`: the folder of a model.

use crate::args::Setup;
use crate::commands::calibrate;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::model::Model;
use crate::output::Output;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;
use zkml_dsl::DynamicModel;
use zkml_ir::calibrate::OutputAccuracy;

#[derive(Serialize)]
struct Done {
    model: String,
    folder: PathBuf,
    digest: String,
    root: String,
    security_bits: f64,
    setup_ms: f64,
    /// Against real numbers, on the samples.
    outputs: Vec<OutputAccuracy>,
}

pub fn run(a: &Setup, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &a.source)?;
    let folder = match (&a.out, &model) {
        (Some(out), _) => out.clone(),
        (None, Model::Folder { path, .. }) => path.clone(),
        (None, _) => return Err(Failure::usage("where to write the model: `--out FOLDER`")),
    };
    let start = Instant::now();
    let (ready, floats) = model.set_up(a.weights.as_deref(), a.source.samples.as_deref(), &a.place)?;
    let setup_ms = start.elapsed().as_secs_f64() * 1e3;
    save(&ready, &folder)?;
    let accuracy = model.accuracy(&ready, floats)?;
    calibrate::save_accuracy(accuracy.as_ref(), &folder)?;
    let key = ready.verifier_key();
    let done = Done {
        model: ready.graph().name.clone(),
        folder,
        digest: hex::encode(key.data().key.digest),
        root: hex::encode(key.data().key.root),
        security_bits: ready.as_ref().figures().security_bits,
        setup_ms,
        outputs: accuracy.map(|a| a.outputs).unwrap_or_default(),
    };
    output.result(&done, || {
        format!(
            "{}: committed to in {:.0} ms, {:.1} bits\n  digest  {}\n  root    {}\n  wrote   {}\n{}",
            done.model,
            done.setup_ms,
            done.security_bits,
            done.digest,
            done.root,
            done.folder.display(),
            calibrate::losses(&done.outputs)
        )
    });
    Ok(())
}

/// Graph, integers, keys and certificate.
pub fn save(model: &DynamicModel, folder: &Path) -> Outcome {
    calibrate::save(model.graph(), folder)?;
    model.save(folder.join(files::WEIGHTS))?;
    save_keys(model, folder)
}

/// What a verifier needs: the graph's key, a portable one, the certificate.
pub fn save_keys(model: &DynamicModel, folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|e| Failure::file(folder, e))?;
    let key = model.verifier_key();
    key.save(folder.join(files::KEY))?;
    key.portable(model.graph())?.save(folder.join(files::PORTABLE))?;
    if let Some(certificate) = key.certificate() {
        certificate.save(folder.join(files::CERTIFICATE))?;
    }
    Ok(())
}
