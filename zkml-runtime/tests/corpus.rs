//! Replays the fuzzers' corpus (`fuzz/corpus`): what they found once stays found.

#[path = "../../fuzz/src/entry/mod.rs"]
mod entry;

use std::path::PathBuf;
use zkml_ir::elem::Interval;
use zkml_ir::plan::{Axis, BoundBy, CheckError, Plan, Source, Space, TensorDecl};
use zkml_runtime::protocol::{Label, System, SystemError};
use zkml_runtime::security::SecurityLevel;

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

/// A plan is checked before anything is computed of it, its height included.
#[test]
fn an_axis_that_no_word_counts_is_refused() {
    let tensor = TensorDecl {
        name: "x".into(),
        source: Source::Weight(0),
        axes: Space(vec![Axis { odd: 1, bits: 100 }]),
        range: Interval::new(0, 1),
        bound: BoundBy::Certificate,
    };
    let plan = Plan { tensors: vec![tensor], ..Plan::default() };
    let error = System::new(plan, SecurityLevel::Proven, Label::Inference).err();
    assert!(matches!(error, Some(SystemError::Plan(CheckError::Structure { .. }))), "{error:?}");
}
