//! Replays the fuzzers' corpus (`fuzz/corpus`): what they found once stays found.

#[path = "../../fuzz/src/entry/mod.rs"]
mod entry;

use std::path::PathBuf;

/// Calls a fuzzer's entry with every file of its corpus, in order.
fn replay(target: &str, entry: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target}: no corpus");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        if std::panic::catch_unwind(|| entry(&bytes)).is_err() {
            panic!("{target}: {}", file.display());
        }
    }
}

#[test]
fn proofs() {
    replay("proof", entry::proof::run);
}

#[test]
fn altered_files() {
    replay("verifier", entry::verifier::run);
}

#[test]
fn keys() {
    replay("key", entry::key::run);
}

#[test]
fn plans() {
    replay("plan", entry::plan::run);
}
