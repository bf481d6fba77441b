//! The golden proofs are those that this version makes, and are not replaced by mistake.

use zkml_examples::golden::{folder, make, Outcome, MODELS};

#[test]
fn golden_proofs_are_made_byte_by_byte() {
    for name in MODELS {
        for (file, bytes) in make(name).unwrap().files() {
            let stored = std::fs::read(folder().join(name).join(file)).unwrap();
            assert!(
                stored == bytes,
                "{name}/{file} differs: after a change of the model or its lowering run \
                 `cargo run --release --example golden`; after a change of the format move FORMAT_VERSION first"
            );
        }
    }
}

#[test]
fn other_bytes_for_the_same_statement_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let made = make("mlp_digits").unwrap();
    assert_eq!(made.store(dir.path()).unwrap(), Outcome::Written);
    assert_eq!(made.store(dir.path()).unwrap(), Outcome::Unchanged);
    let change = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = dir.path().join(file);
        let (mut bytes, before) = (std::fs::read(&path).unwrap(), std::fs::read(&path).unwrap());
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let outcome = made.store(dir.path()).map_err(|e| e.to_string());
        std::fs::write(&path, before).unwrap();
        outcome
    };
    // Other bytes, a file of this version that cannot be read: the format changed.
    for file in ["proof", "certificate", "key", "statement"] {
        let refused = change(file, &|b| b.truncate(b.len() - 1)).unwrap_err();
        assert!(refused.contains("FORMAT_VERSION"), "{refused}");
    }
    // Another version, another model: as it should be.
    assert_eq!(change("key", &|b| b[8] ^= 1), Ok(Outcome::Written));
    let mut other = made.key.clone();
    other.key.root[0] ^= 1;
    assert_eq!(change("key", &|b| *b = other.to_bytes()), Ok(Outcome::Written));
}
