//! Runs the ONNX project's backend tests that `export/backend.py` wrote, and prints a table of what is proven, what is not supported and why.
//!
//! ```sh
//! cargo run --release -p zkml-onnx --example backend_table -- FOLDER > docs/onnx-backend.md
//! ```
//!
//! `--at-least N` makes it fail if fewer pass; it fails too if a case is understood wrongly.
//!
//! A case passes if the import, run in floats, gives the expected outputs, and a proof of its integers verifies. Inputs that decide shapes
//! or are parameters of an op (axes, bounds, weights) are made constants where the op does not take them as inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use zkml_onnx::samples::{self, Arrays};
use zkml_onnx::{import, ImportError, Options, Widths};

enum Outcome {
    /// Proven, and the relative error of its integers.
    Passed(f64),
    Unsupported(String),
    /// Understood wrongly, or something else went wrong: for a developer.
    Wrong(String),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (root, least) = match &args[..] {
        [root] => (PathBuf::from(root), 0),
        [root, flag, n] if flag == "--at-least" => (PathBuf::from(root), n.parse()?),
        _ => return Err("usage: backend_table FOLDER [--at-least N]".into()),
    };
    // Panics are caught and counted.
    std::panic::set_hook(Box::new(|at| eprintln!("{at}")));
    let mut by_op: BTreeMap<String, Vec<(String, Outcome)>> = BTreeMap::new();
    let mut kinds: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for kind in folders(&root)? {
        for case in folders(&kind)? {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let outcome = catch_unwind(AssertUnwindSafe(|| run(&case)))
                .unwrap_or_else(|_| Outcome::Wrong("a panic".into()));
            let place = match outcome {
                Outcome::Passed(_) => 0,
                Outcome::Unsupported(_) => 1,
                Outcome::Wrong(_) => 2,
            };
            let kind = kind.file_name().unwrap_or_default().to_string_lossy().into_owned();
            kinds.entry(kind).or_default()[place] += 1;
            if let Outcome::Wrong(why) = &outcome {
                eprintln!("wrong: {name}: {why}");
            }
            by_op.entry(op_of(&case)).or_default().push((name, outcome));
        }
    }
    println!("# The ONNX project's backend tests\n");
    println!("Made by `backend_table` from the cases of the PyPI package `onnx` ({}).\n", version(&root));
    println!("| cases | passed: imported, proven, verified | not supported | wrong |\n|---|---:|---:|---:|");
    for (kind, [passed, unsupported, wrong]) in &kinds {
        println!("| {kind} | {passed} | {unsupported} | {wrong} |");
    }
    println!("\nBy op, the first of a case that is no constant. `error` is the largest of its cases' relative errors of integers against the expected");
    println!("outputs, calibrated on the case itself.\n");
    println!("| op | cases | passed | error | not supported because |\n|---|---:|---:|---:|---|");
    for (op, cases) in &by_op {
        let passed: Vec<f64> = cases
            .iter()
            .filter_map(|(_, o)| if let Outcome::Passed(e) = o { Some(*e) } else { None })
            .collect();
        let worst = passed.iter().copied().fold(0.0, f64::max);
        let why: BTreeSet<&str> = cases
            .iter()
            .filter_map(|(_, o)| match o {
                Outcome::Unsupported(why) | Outcome::Wrong(why) => Some(why.as_str()),
                Outcome::Passed(_) => None,
            })
            .collect();
        let why: Vec<&str> = why.into_iter().take(4).collect();
        let error = if passed.is_empty() { String::new() } else { format!("{:.1} %", worst * 100.0) };
        println!(
            "| {op} | {} | {} | {error} | {} |",
            cases.len(),
            passed.len(),
            why.join("; ").replace('|', "/")
        );
    }
    let [passed, wrong] = [0, 2].map(|k| kinds.values().map(|v| v[k]).sum::<usize>());
    match (wrong, passed >= least) {
        (0, true) => Ok(()),
        (0, false) => Err(format!("{passed} cases pass, expected at least {least}").into()),
        _ => Err(format!("{wrong} cases are understood wrongly").into()),
    }
}

fn folders(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(path)?.filter_map(|e| e.ok()).map(|e| e.path()).filter(|p| p.is_dir()).collect();
    all.sort();
    Ok(all)
}

fn version(root: &Path) -> String {
    std::fs::read_to_string(root.join("version"))
        .map_or("of no known version".into(), |v| v.trim().to_owned())
}

fn op_of(case: &Path) -> String {
    use prost::Message;
    let bytes = std::fs::read(case.join("model.onnx")).unwrap_or_default();
    let graph = zkml_onnx::proto::ModelProto::decode(&bytes[..]).ok().and_then(|m| m.graph);
    let ops = graph.map(|g| g.node.into_iter().map(|n| n.op_type).collect::<Vec<_>>()).unwrap_or_default();
    ops.into_iter().find(|o| o != "Constant").unwrap_or_else(|| "Constant".into())
}

fn run(case: &Path) -> Outcome {
    if case.join("no-arrays").exists() {
        return Outcome::Unsupported("sequences, optionals or text".into());
    }
    let (inputs, expected) =
        match (samples::read(&case.join("inputs.npz")), samples::read(&case.join("outputs.npz"))) {
            (Ok(i), Ok(e)) => (i, e),
            (Err(e), _) | (_, Err(e)) => return Outcome::Unsupported(short(&e.to_string())),
        };
    if inputs.values().chain(expected.values()).any(|a| a.values.is_empty()) {
        return Outcome::Unsupported("tensors without elements".into());
    }
    if inputs.values().chain(expected.values()).flat_map(|a| &a.values).any(|v| !v.is_finite()) {
        return Outcome::Unsupported("infinities or NaN as values".into());
    }
    // All inputs, then the first alone, then each other alone.
    let names: Vec<String> = inputs.keys().cloned().collect();
    let mut tries: Vec<BTreeSet<String>> = vec![names.iter().cloned().collect()];
    let first = zkml_onnx::read::inputs(&case.join("model.onnx")).unwrap_or_default();
    for n in (1..first.len()).rev() {
        tries.push(first[..n].iter().cloned().collect());
    }
    let mut reason = String::new();
    for live in tries {
        match attempt(case, &inputs, &expected, &live) {
            Outcome::Unsupported(why) => {
                if reason.is_empty() {
                    reason = why;
                }
            }
            done => return done,
        }
    }
    Outcome::Unsupported(reason)
}

fn attempt(case: &Path, inputs: &Arrays, expected: &Arrays, live: &BTreeSet<String>) -> Outcome {
    let given: Arrays =
        inputs.iter().filter(|(n, _)| live.contains(*n)).map(|(n, a)| (n.clone(), a.clone())).collect();
    let mut options = Options::default().with_samples(&given, false);
    for (name, array) in inputs.iter().filter(|(n, _)| !live.contains(*n)) {
        options.values.insert(name.clone(), array.clone());
    }
    let mut import = match import(&case.join("model.onnx"), &options, Widths::default()) {
        Ok(import) => import,
        Err(ImportError::Unsupported(problems)) => return Outcome::Unsupported(short(&problems[0].why)),
        Err(e) => return Outcome::Unsupported(short(&e.to_string())),
    };
    if let Err(e) = import.sample(&given).and_then(|s| import.tune(std::slice::from_ref(&s))) {
        return Outcome::Unsupported(short(&e.to_string()));
    }
    let compared = match zkml_onnx::compare::compare(
        &import,
        None,
        std::slice::from_ref(&given),
        std::slice::from_ref(expected),
    ) {
        Ok(c) => c,
        Err(e) => return Outcome::Unsupported(short(&e.to_string())),
    };
    for c in &compared {
        if c.float.relative_rms > 2e-3 && c.float.largest > 1e-3 {
            return Outcome::Wrong(format!(
                "{}: {:.1e} from the expected outputs in floats",
                c.name, c.float.relative_rms
            ));
        }
    }
    let prove = || -> Result<f64, Box<dyn std::error::Error>> {
        let instance = import.instance()?;
        let sample = import.sample(&given)?;
        let model = instance.calibrate(&import.weights(), std::slice::from_ref(&sample))?;
        let ports = instance.graph().inputs.iter().zip(&sample);
        let x = ports.map(|(p, x)| model.to_units(&p.name, &x.data)).collect::<Result<Vec<_>, _>>()?;
        let (outputs, proof) = model.prove(&x)?;
        instance.verify(&model.verifier_key(), &x, &outputs, &proof)?;
        let all = zkml_onnx::compare::compare(
            &import,
            Some(&model),
            std::slice::from_ref(&given),
            std::slice::from_ref(expected),
        )?;
        Ok(all.iter().filter_map(|c| c.integer).map(|d| d.relative_rms).fold(0.0, f64::max))
    };
    match prove() {
        Ok(error) => Outcome::Passed(error),
        Err(e) => Outcome::Unsupported(short(&e.to_string())),
    }
}

/// The first line, without what differs from case to case.
fn short(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut out: String = line.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    while out.contains("##") {
        out = out.replace("##", "#");
    }
    out.chars().take(90).collect()
}
