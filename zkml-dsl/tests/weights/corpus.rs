//! Replays the fuzzer's corpus of weight files (`fuzz/corpus/safetensors`).

#[path = "../../../fuzz/src/entry/edits.rs"]
mod edits;
#[path = "../../../fuzz/src/weights.rs"]
mod weights;

use std::path::PathBuf;

#[test]
fn weight_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/safetensors");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        if std::panic::catch_unwind(|| weights::run(&bytes)).is_err() {
            panic!("{}", file.display());
        }
    }
}
