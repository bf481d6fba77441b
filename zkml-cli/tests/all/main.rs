//! The program as users and programs see it.

mod commands;
mod report;
mod serve;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file of the importer's tests.
pub fn data(file: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../zkml-onnx/tests/data").join(file);
    path.to_str().expect("a path in UTF-8").to_owned()
}

pub fn zkml(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zkml")).args(args).output().expect("the program starts")
}

/// The exit code and standard error.
pub fn code(args: &[&str]) -> (i32, String) {
    let output = zkml(args);
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The one JSON object that a successful command prints.
pub fn json(args: &[&str]) -> Value {
    let output = zkml(&[args, &["--json"]].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object and nothing else")
}

/// A model's folder.
pub fn set_up(folder: &Path, name: &str) -> String {
    let out = folder.join(name).to_str().expect("UTF-8").to_owned();
    let (model, samples) = (data(&format!("{name}.onnx")), data(&format!("{name}.samples.npz")));
    json(&["setup", &model, "--samples", &samples, "--out", &out]);
    out
}
