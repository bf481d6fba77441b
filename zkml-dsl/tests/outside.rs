//! A crate outside the workspace, set up as the README says: it builds, its report is printed again on fresh builds,
//! for its dependencies too, and the copy on disk comes back when it is deleted.

use std::path::{Path, PathBuf};
use std::process::Command;

struct Outside {
    dir: tempfile::TempDir,
    target: PathBuf,
}

impl Outside {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let from = root.join("tests/outside");
        let dir = tempfile::tempdir().unwrap();
        for folder in ["src", ".cargo"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        for file in ["src/lib.rs", ".cargo/config.toml"] {
            std::fs::copy(from.join(file), dir.path().join(file)).unwrap();
        }
        let manifest = std::fs::read_to_string(from.join("Cargo.toml.in")).unwrap();
        let manifest = manifest.replace("@DSL@", root.to_str().unwrap());
        std::fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
        std::fs::copy(root.join("../Cargo.lock"), dir.path().join("Cargo.lock")).unwrap();
        // The workspace's own, with its profile: the dependencies, which are large, are there already.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..").canonicalize().unwrap();
        Self { dir, target }
    }

    /// What `cargo build` prints.
    fn build(&self, envs: &[(&str, &str)]) -> String {
        let out = Command::new(env!("CARGO"))
            .args(["build", "--offline"])
            .current_dir(self.dir.path())
            .env("CARGO_TARGET_DIR", &self.target)
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTC_BOOTSTRAP")
            .envs(envs.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{text}");
        text.lines().filter(|l| l.starts_with("zkml[")).map(|l| format!("{l}\n")).collect()
    }
}

#[test]
fn builds_and_reports() {
    let outside = Outside::new();
    let copy = outside.target.join("zkml/outside/model.json");
    let _ = std::fs::remove_file(&copy);
    let first = outside.build(&[]);
    assert!(first.contains("zkml[outside::model] "), "{first}");
    assert!(first.contains("zkml[zkml_test_layers::block] "), "{first}");
    assert!(copy.exists());
    assert!(outside.target.join("zkml/zkml_test_layers/block.json").exists());

    // Nothing changed: cargo compiles nothing and prints the same.
    assert_eq!(outside.build(&[]), first);

    std::fs::remove_file(&copy).unwrap();
    outside.build(&[]);
    assert!(copy.exists(), "a deleted report is written again");

    let silent = outside.build(&[("ZKML_REPORT", "off")]);
    assert!(!silent.contains("zkml[outside::model]"), "{silent}");
}
