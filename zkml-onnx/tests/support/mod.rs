//! Files of `tests/data`.

use std::path::{Path, PathBuf};
use zkml_onnx::samples::{self, Arrays};
use zkml_onnx::{import, Import, Options, Widths};

pub struct Fixture {
    pub import: Import,
    pub samples: Vec<Arrays>,
    pub expected: Vec<Arrays>,
}

pub fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

pub fn fixture(name: &str) -> Fixture {
    let read = |what: &str| samples::read(&data(&format!("{name}.{what}.npz"))).unwrap();
    let (inputs, outputs) = (read("samples"), read("expected"));
    let options = Options::default().with_samples(&inputs, true);
    let import = import(&data(&format!("{name}.onnx")), &options, Widths::default()).unwrap();
    let one = |arrays: &Arrays| arrays.iter().map(|(n, a)| (n.clone(), a.dims[1..].to_vec())).collect();
    let split = |arrays: &Arrays| samples::split(Path::new(name), arrays, &one(arrays)).unwrap();
    Fixture { import, samples: split(&inputs), expected: split(&outputs) }
}
