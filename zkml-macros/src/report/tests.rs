use super::file::{find_target, out_dir, replace};
use super::machine::read;
use std::time::SystemTime;
use zkml_ir::cost::Machine;

fn args(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| s.to_string()).collect()
}

#[test]
fn out_dir_of_rustc() {
    assert_eq!(
        out_dir(args(&["rustc", "--out-dir", "/t/debug/deps"])).unwrap().to_str(),
        Some("/t/debug/deps")
    );
    assert_eq!(out_dir(args(&["rustc", "--out-dir=/t/debug"])).unwrap().to_str(), Some("/t/debug"));
    // An IDE's expansion and a doctest have none: nothing is written.
    assert_eq!(out_dir(args(&["proc-macro-srv"])), None);
    assert_eq!(out_dir(args(&["rustc", "-o", "/tmp/doctest"])), None);
}

#[test]
fn target_is_where_cargo_left_its_tag() {
    let dir = tempfile::tempdir().unwrap();
    let deps = dir.path().join("target/debug/deps");
    std::fs::create_dir_all(&deps).unwrap();
    assert_eq!(find_target(&deps), None);
    std::fs::write(dir.path().join("target/CACHEDIR.TAG"), "").unwrap();
    assert_eq!(find_target(&deps), Some(dir.path().join("target/zkml")));
}

#[test]
fn copies_change_only_with_their_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net/mlp.json");
    let time = || std::fs::metadata(&path).unwrap().modified().unwrap();
    replace(&path, "one").unwrap();
    assert_eq!(time(), SystemTime::UNIX_EPOCH);
    // A later time would have cargo build the model again; an equal text must not touch it.
    let later = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(9);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    replace(&path, "one").unwrap();
    assert_eq!(time(), later);
    replace(&path, "two").unwrap();
    assert_eq!(time(), SystemTime::UNIX_EPOCH);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn machines_are_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("machine.json");
    assert!(read(&path).unwrap_err().contains("machine.json"));
    std::fs::write(&path, r#"{"threads":16,"ns_cell":0.5,"ns_lookup":1.5}"#).unwrap();
    assert_eq!(read(&path).unwrap(), (Machine { threads: 16, ns_cell: 0.5, ns_lookup: 1.5 }, path.clone()));
    for (text, why) in [
        (r#"{"threads":0,"ns_cell":0.5,"ns_lookup":1.5}"#, "at least one thread"),
        (r#"{"threads":2,"ns_cell":0.5}"#, "missing field `ns_lookup`"),
        (r#"{"threads":2,"ns_cell":0.5,"ns_lookup":1.5,"ns":1}"#, "unknown field `ns`"),
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(read(&path).unwrap_err().contains(why), "{text}");
    }
}
