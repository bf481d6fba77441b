//! Names of files in a model's folder and beside a proof, and arrays.

use crate::failure::{Failure, Outcome};
use ndarray::ArrayD;
use ndarray_npy::NpzWriter;
use std::io::{Cursor, Write};
use std::path::Path;
use zkml_dsl::atomic_write;
use zkml_dsl::engine::FloatTensor;

/// The graph: what a verifier of this folder's proofs has instead of the model's source.
pub const GRAPH: &str = "graph.json";
/// Integer weights and their scales.
pub const WEIGHTS: &str = "model.safetensors";
/// The key under which proofs of the graph are verified.
pub const KEY: &str = "verifier.key";
/// The same with the model's relations, for programs that have no graph.
pub const PORTABLE: &str = "portable.key";
/// What the integers lost against real numbers on the samples that they were calibrated on.
pub const ACCURACY: &str = "accuracy.json";
pub const CERTIFICATE: &str = "certificate";
pub const PROOF: &str = "proof";
pub const STATEMENT: &str = "statement";
/// Outputs as real numbers.
pub const OUTPUTS: &str = "outputs.npz";

/// A file, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Outcome {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Failure::file(folder, e))?;
    }
    atomic_write(path, |w| w.write_all(bytes)).map_err(|e| {
        let code = Failure::from(std::io::Error::from(e.kind())).code;
        Failure { code, ..Failure::file(path, e) }
    })
}

/// Real arrays by name.
pub fn write_npz(path: &Path, arrays: &[(String, FloatTensor)]) -> Outcome {
    let mut bytes = Cursor::new(vec![]);
    let mut npz = NpzWriter::new(&mut bytes);
    for (name, t) in arrays {
        let array = ArrayD::from_shape_vec(t.shape.dims().to_vec(), t.data.clone());
        let array = array.map_err(|e| Failure::file(path, e))?;
        npz.add_array(name, &array).map_err(|e| Failure::file(path, e))?;
    }
    npz.finish().map_err(|e| Failure::file(path, e))?;
    write(path, &bytes.into_inner())
}
