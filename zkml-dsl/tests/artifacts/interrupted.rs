//! A process that is killed leaves the old file or the new one, whatever it was writing.
//!
//! The killed process is this test binary, started again with one test of its own to run.

use super::{case, model};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use zkml_dsl::engine::{Proof, VerifierKey};
use zkml_dsl::weights::{load_model, save_model};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, Params};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;
use zkml_runtime::artifact::ArtifactError;

const FOLDER: &str = "ZKML_TEST_FOLDER";
const KILLS: u64 = 30;

/// The child's folder; `None` in a run of the tests by hand.
fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Starts a test of this module in a process of its own, and waits until it says `ready`.
fn start(test: &str, folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", &format!("interrupted::{test}")])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("ready")), "the child ended early");
    child
}

/// Kills (SIGKILL) after a while that differs from round to round, up to `most`.
fn kill(mut child: Child, round: u64, most: Duration) {
    let part = (round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
    std::thread::sleep(most.mul_f64(part));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A kind of file: two contents that the child saves in turns, and how a reader takes them.
struct Target {
    path: PathBuf,
    contents: [Vec<u8>; 2],
    /// Whether a user who is handed these bytes as a file is served.
    accepts: Box<dyn Fn(&Path) -> bool>,
}

impl Target {
    fn check(&self) {
        let found = fs::read(&self.path).unwrap();
        assert!(self.contents.contains(&found), "{}: {} bytes", self.path.display(), found.len());
        assert!((self.accepts)(&self.path), "{} is whole and refused", self.path.display());
    }

    /// What a killed writer left beside the target. By its name it is no artifact, and a part of one is refused.
    fn check_leftovers(&self) -> usize {
        let name = self.path.file_name().unwrap().to_str().unwrap();
        let left: Vec<PathBuf> = fs::read_dir(self.path.parent().unwrap())
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| *p != self.path && p.to_str().unwrap().contains(name))
            .collect();
        for path in &left {
            let file = path.file_name().unwrap().to_str().unwrap();
            assert!(file.starts_with('.') && file.ends_with(".tmp"), "{file}");
            let bytes = fs::read(path).unwrap();
            assert!(self.contents.iter().any(|c| c.starts_with(&bytes)), "{file} holds something else");
            let whole = self.contents.contains(&bytes);
            assert_eq!((self.accepts)(path), whole, "{file}: {} bytes", bytes.len());
            fs::remove_file(path).unwrap();
        }
        left.len()
    }
}

/// A model whose file takes a while to write.
fn large() -> (Graph, [Vec<IntTensor>; 2]) {
    const SIDE: usize = 512;
    let mut b = GraphBuilder::new("large");
    let w = b.weight("w", Elem::I8, Shape::new([SIDE, SIDE]), Layout::InOut);
    b.output("y", w);
    let weights = |k: usize| {
        let values: Vec<i32> = (0..SIDE * SIDE).map(|i| (i * k % 251) as i32 - 125).collect();
        vec![IntTensor::new(Shape::new([SIDE, SIDE]), Elem::I8, &values).unwrap()]
    };
    (b.finish(), [weights(1), weights(3)])
}

fn no_params(graph: &Graph) -> Params {
    Params { rescales: vec![], steps: vec![1.0; graph.steps.names.len()] }
}

/// The child of the test below: saves in turns until it is killed.
#[test]
#[ignore = "a process that the tests of this module start"]
fn saves() {
    let Some(folder) = folder() else { return };
    let at = |name: &str| folder.join(name);
    let key = |n| VerifierKey::load(at(&format!("source-{n}.key")), "net").unwrap();
    let proof = |n| Proof::load(at(&format!("source-{n}.proof"))).unwrap();
    let (keys, proofs) = ([key(0), key(1)], [proof(0), proof(1)]);
    let (graph, weights) = large();
    let params = no_params(&graph);
    println!("ready");
    for turn in (0..2).cycle() {
        keys[turn].save(at("saved.key")).unwrap();
        proofs[turn].save(at("saved.proof")).unwrap();
        save_model(at("saved.model"), &graph, &weights[turn], &params).unwrap();
    }
}

#[test]
fn killed_writers_leave_whole_files() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // Two keys and two proofs, of the same inputs under different parameters.
    let cases = [case("net", false), case("net", true)];
    for (n, c) in cases.iter().enumerate() {
        c.key.save(at(&format!("source-{n}.key"))).unwrap();
        c.proof.save(at(&format!("source-{n}.proof"))).unwrap();
    }
    let (keys, proofs) =
        (cases.each_ref().map(|c| c.key.to_bytes()), cases.each_ref().map(|c| c.proof.to_bytes()));
    let (graph, weights) = large();
    let params = no_params(&graph);
    let models = weights.each_ref().map(|w| {
        save_model(at("model"), &graph, w, &params).unwrap();
        fs::read(at("model")).unwrap()
    });
    fs::remove_file(at("model")).unwrap();
    let targets = [
        Target {
            path: at("saved.key"),
            contents: keys,
            accepts: Box::new(|p| VerifierKey::load(p, "net").is_ok()),
        },
        Target {
            path: at("saved.proof"),
            contents: proofs,
            accepts: Box::new(move |p| {
                // Its argument is read when it is verified.
                let Ok(proof) = Proof::load(p) else { return false };
                cases.iter().any(|c| c.verify(&c.key, &proof).is_ok())
            }),
        },
        Target {
            path: at("saved.model"),
            contents: models,
            accepts: Box::new(move |p| load_model(p, &graph).is_ok()),
        },
    ];
    targets.iter().for_each(|t| fs::write(&t.path, &t.contents[0]).unwrap());
    let mut leftovers = 0;
    for round in 0..KILLS {
        kill(start("saves", dir.path()), round, Duration::from_millis(8));
        targets.iter().for_each(Target::check);
        leftovers += targets.iter().map(Target::check_leftovers).sum::<usize>();
    }
    assert!(leftovers > 0, "no kill hit a writer: the test tests nothing");
}

/// The child of the test below.
#[test]
#[ignore = "a process that the tests of this module start"]
fn proves() {
    let Some(folder) = folder() else { return };
    let (model, x) = (model("net", false), super::input());
    println!("ready");
    let (_, proof) = model.prove(&[x]).unwrap();
    proof.save(folder.join("net.proof")).unwrap();
}

#[test]
fn a_killed_prover_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.proof");
    let mut nothing = 0;
    for round in 0..4 {
        kill(start("proves", dir.path()), round, Duration::from_millis(20));
        // On a busy machine the kill may come late: then the proof is there, and whole.
        match Proof::load(&path) {
            Ok(_) => fs::remove_file(&path).unwrap(),
            Err(e) => {
                assert!(matches!(e, ArtifactError::Io { .. }), "{e}");
                nothing += usize::from(fs::read_dir(dir.path()).unwrap().next().is_none());
            }
        }
    }
    assert!(nothing > 0, "every kill came after the proof");
}
