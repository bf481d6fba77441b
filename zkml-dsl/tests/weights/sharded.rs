use super::{f32_bytes, tensor, write_file};
use safetensors::Dtype;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zkml_dsl::weights::{FileError, FloatWeights, IndexError, WeightsError};

const INDEX: &str = "model.safetensors.index.json";

/// Two shards: `a` and `b` in the first, `c` in the second.
fn shards() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let one = |v| f32_bytes(&[v]);
    let (a, b) = (("a", Dtype::F32, &[1][..], one(1.0)), ("b", Dtype::F32, &[1][..], one(2.0)));
    write_file(&dir.path().join("1.safetensors"), &[a, b]);
    std::fs::create_dir(dir.path().join("part")).unwrap();
    write_file(&dir.path().join("part/2.safetensors"), &[("c", Dtype::BF16, &[2], vec![0x80, 0x3f, 0, 0])]);
    dir
}

fn write_index(dir: &Path, map: &str) -> PathBuf {
    let path = dir.join(INDEX);
    std::fs::write(&path, format!(r#"{{"metadata": {{"total_size": 12}}, "weight_map": {map}}}"#)).unwrap();
    path
}

/// What is wrong with a `weight_map` of [`shards`], and the index's path.
fn error(map: &str) -> (WeightsError, PathBuf) {
    let dir = shards();
    let path = write_index(dir.path(), map);
    (FloatWeights::open(&path).unwrap_err(), path)
}

fn index_error(map: &str) -> (IndexError, PathBuf) {
    match error(map) {
        (WeightsError::Index(e), path) => (e, path),
        (other, _) => panic!("{other}"),
    }
}

const GOOD: &str = r#"{"a": "1.safetensors", "b": "./1.safetensors", "c": "part/2.safetensors"}"#;

#[test]
fn opens_an_index_or_its_folder() {
    let dir = shards();
    let path = write_index(dir.path(), GOOD);
    for place in [&path, dir.path()] {
        let w = FloatWeights::open(place).unwrap();
        assert_eq!(w.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(*w.get("b").unwrap(), tensor(&[1], &[2.0]));
        assert_eq!(*w.get("c").unwrap(), tensor(&[2], &[1.0, 0.0]));
    }
    // A name that is no `.json` is a safetensors file, whatever is in it.
    let other = dir.path().join("index");
    std::fs::rename(&path, &other).unwrap();
    let error = FloatWeights::open(&other).unwrap_err();
    assert!(matches!(error, WeightsError::File(FileError::Format { .. })), "{error}");
}

#[test]
fn a_whole_file_comes_before_an_index() {
    let dir = shards();
    write_index(dir.path(), GOOD);
    write_file(&dir.path().join("model.safetensors"), &[("x", Dtype::F32, &[1], f32_bytes(&[7.0]))]);
    let w = FloatWeights::open(dir.path()).unwrap();
    assert_eq!(w.names().collect::<Vec<_>>(), ["x"]);
    assert_eq!(*w.get("x").unwrap(), tensor(&[1], &[7.0]));
}

#[test]
fn what_a_shard_holds_beside_the_map_is_there() {
    let dir = shards();
    let w = FloatWeights::open(write_index(dir.path(), r#"{"a": "1.safetensors"}"#)).unwrap();
    assert_eq!(w.names().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_folder_without_a_checkpoint() {
    let dir = shards();
    std::fs::create_dir(dir.path().join("model.safetensors")).unwrap();
    let error = FloatWeights::open(dir.path()).unwrap_err();
    let expected = IndexError::NoCheckpoint { path: dir.path().to_owned() };
    assert!(matches!(&error, WeightsError::Index(e) if *e == expected), "{error}");
    let error = FloatWeights::open(dir.path().join(INDEX)).unwrap_err();
    assert!(matches!(error, WeightsError::File(FileError::Io { .. })), "{error}");
}

#[test]
fn a_missing_or_broken_shard() {
    let (error, path) = index_error(r#"{"a": "1.safetensors", "d": "3.safetensors"}"#);
    let shard = PathBuf::from("3.safetensors");
    assert_eq!(error, IndexError::ShardMissing { path: path.clone(), shard, tensor: "d".into() });
    assert_eq!(
        error.to_string(),
        format!("index `{}`: no file `3.safetensors`, in which tensor `d` should be", path.display())
    );
    // The index itself is no safetensors file.
    let (error, _) = self::error(&format!(r#"{{"a": "{INDEX}"}}"#));
    assert!(matches!(error, WeightsError::File(FileError::Format { .. })), "{error}");
    let (error, _) = self::error(r#"{"a": "part"}"#);
    assert!(matches!(error, WeightsError::File(FileError::Io { .. })), "{error}");
}

#[test]
fn a_tensor_that_is_not_in_its_shard() {
    let first = PathBuf::from("1.safetensors");
    let (error, path) = index_error(r#"{"a": "1.safetensors", "d": "1.safetensors"}"#);
    let missing = |tensor: &str, path, found| {
        let shard = first.clone();
        IndexError::TensorMissing { path, tensor: tensor.into(), shard, found }
    };
    assert_eq!(error, missing("d", path, None));
    assert!(error.to_string().ends_with("expected tensor `d` in `1.safetensors`, got none"), "{error}");
    let (error, path) = index_error(r#"{"a": "part/2.safetensors", "c": "1.safetensors"}"#);
    let shard = PathBuf::from("part/2.safetensors");
    let a = IndexError::TensorMissing { path, tensor: "a".into(), shard, found: Some(first) };
    assert_eq!(error, a);
    let end = "expected tensor `a` in `part/2.safetensors`, got it in `1.safetensors`";
    assert!(error.to_string().ends_with(end), "{error}");
}

#[test]
fn a_tensor_in_two_shards() {
    let two = |path, first: &str, second: &str| {
        let (first, second) = (first.into(), second.into());
        IndexError::TwoShards { path, tensor: "a".into(), first, second }
    };
    // By the map: JSON allows one key twice.
    let (error, path) = index_error(r#"{"a": "1.safetensors", "a": "part/2.safetensors"}"#);
    assert_eq!(error, two(path, "1.safetensors", "part/2.safetensors"));
    assert!(
        error.to_string().ends_with("tensor `a` is in two shards, `1.safetensors` and `part/2.safetensors`"),
        "{error}"
    );
    // By the files.
    let dir = shards();
    let path = write_index(dir.path(), r#"{"b": "1.safetensors", "e": "3.safetensors"}"#);
    let entry = |name| (name, Dtype::F32, &[1][..], f32_bytes(&[1.0]));
    write_file(&dir.path().join("3.safetensors"), &[entry("a"), entry("e")]);
    let error = FloatWeights::open(&path).unwrap_err();
    let expected = two(path, "1.safetensors", "3.safetensors");
    assert!(matches!(&error, WeightsError::Index(e) if *e == expected), "{error}");
    // Saying the same twice is no contradiction.
    let dir = shards();
    let path = write_index(dir.path(), r#"{"a": "1.safetensors", "a": "./1.safetensors"}"#);
    assert_eq!(FloatWeights::open(path).unwrap().len(), 2);
}

#[test]
fn a_shard_outside_the_folder() {
    for shard in ["/etc/passwd", "../1.safetensors", "part/../1.safetensors", "", "."] {
        let (error, path) = index_error(&format!(r#"{{"a": "{shard}"}}"#));
        assert_eq!(error, IndexError::ShardName { path, tensor: "a".into(), shard: shard.into() });
        let end = format!("tensor `a`: expected a file below the index's folder, got `{shard}`");
        assert!(error.to_string().ends_with(&end), "{error}");
    }
}

#[test]
fn an_empty_or_malformed_index() {
    let (error, path) = index_error("{}");
    assert_eq!(error, IndexError::Empty { path });
    for map in ["", "[]", "3", r#"{"a": 1}"#, r#"{"a": "1.safetensors""#, r#"{"a": null}"#, "\"\\ud800\""] {
        let (error, _) = index_error(map);
        assert!(matches!(error, IndexError::Malformed { .. }), "{map}: {error}");
    }
    let dir = shards();
    let path = dir.path().join(INDEX);
    let deep = "[".repeat(1 << 20);
    for text in ["", "{}", r#"{"metadata": {}}"#, "\u{feff}{}", &deep] {
        std::fs::write(&path, text).unwrap();
        let error = FloatWeights::open(dir.path()).unwrap_err();
        assert!(matches!(&error, WeightsError::Index(IndexError::Malformed { .. })), "{error}");
    }
}

#[test]
fn edits_of_an_index_never_panic() {
    let dir = shards();
    let path = write_index(dir.path(), GOOD);
    let whole = std::fs::read(&path).unwrap();
    let mut good = 0;
    for i in 0..whole.len() {
        std::fs::write(&path, &whole[..i]).unwrap();
        let error = FloatWeights::open(&path).unwrap_err();
        assert!(matches!(&error, WeightsError::Index(IndexError::Malformed { .. })), "{i} bytes: {error}");
        for flip in [0x01, 0x20, 0x80] {
            let mut bytes = whole.clone();
            bytes[i] ^= flip;
            std::fs::write(&path, &bytes).unwrap();
            // A letter of the metadata may change; a changed tensor or shard is not found.
            if let Ok(w) = FloatWeights::open(&path) {
                assert_eq!(w.names().collect::<Vec<_>>(), ["a", "b", "c"]);
                good += 1;
            }
        }
    }
    assert!(good > 0);
}
