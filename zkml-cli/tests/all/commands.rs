//! Commands, their results and their exit codes.

use crate::{code, data, json, set_up, zkml};
use std::fs;

#[test]
fn the_life_of_a_model_and_a_proof() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let model = set_up(folder.path(), "mlp");
    let input = data("mlp.samples.npz");

    let proven = json(&["prove", &model, "--input", &input, "--out", &at("proof")]);
    assert_eq!(proven["model"], "mlp");
    assert!(proven["security_bits"].as_f64().unwrap() > 92.0);
    let run = json(&["run", &model, "--input", &input, "--output", &at("out.npz")]);
    assert_eq!(run, proven["outputs"]);

    let verified = json(&["verify", &at("proof"), "--model", &model]);
    assert_eq!(verified["verified"], true);
    // The same files by name.
    let file = |f: &str| format!("{model}/{f}");
    let words =
        ["verify", &at("proof/proof"), "--key", &file("portable.key"), "--certificate", &file("certificate")];
    assert_eq!(code(&words).0, 0);

    let inspected = json(&["inspect", &model]);
    let key = &inspected["portable.key"];
    assert_eq!(key["digest"], verified["digest"]);
    assert_eq!(key["security_terms"].as_object().unwrap().len(), 7);
    assert!(key["ranges"].as_array().unwrap().len() > 3);
    let proof = json(&["inspect", &at("proof")]);
    assert_eq!(proof["proof"]["bytes"], proven["proof_bytes"]);
    assert!(proof["proof"]["bytes_by_part"].as_str().unwrap().contains("--model"));
    // Its parts, by the key of its model; another model's key says that it is not its own.
    for path in ["proof", "proof/proof"] {
        let told = json(&["inspect", &at(path), "--model", &model]);
        let parts = if path == "proof" { &told["proof"] } else { &told }["bytes_by_part"].clone();
        let sum: u64 = parts.as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
        assert!(sum < proven["proof_bytes"].as_u64().unwrap() && sum > 100_000, "{sum}");
    }
    let other = set_up(folder.path(), "lenet");
    let told = json(&["inspect", &at("proof/proof"), "--model", &other]);
    assert!(told["bytes_by_part"].as_str().unwrap().starts_with("not of this key's shape"), "{told}");
    assert_eq!(code(&["inspect", &at("proof"), "--model", &at("proof")]).0, 3);

    let vectors = json(&["export", &model, "--input", &input, "--out", &at("export")]);
    assert_eq!(vectors["digest"], verified["digest"]);
    assert_eq!(code(&["verify", &at("export")]).0, 0);
    let bench = json(&["bench", &model, "--input", &input, "--runs", "2"]);
    assert_eq!(
        (bench["runs"].as_u64(), bench["proof_bytes"].as_u64()),
        (Some(2), proven["proof_bytes"].as_u64())
    );
}

/// Proven without a folder: keys lie beside the proof, and its parts are told by them.
#[test]
fn an_onnx_file_needs_no_compiler() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("p").to_str().unwrap().to_owned();
    json(&["prove", &data("bert.onnx"), "--samples", &data("bert.samples.npz"), "--out", &out]);
    assert_eq!(code(&["verify", &out]).0, 0);
    let parts = json(&["inspect", &out])["proof"]["bytes_by_part"].clone();
    let sum: u64 = parts.as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
    let all = fs::metadata(format!("{out}/proof")).unwrap().len();
    assert!(sum < all && sum + 200 > all, "{sum} of {all}");
}

#[test]
fn a_proof_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "mlp");
    let out = folder.path().join("p").to_str().unwrap().to_owned();
    json(&["prove", &model, "--input", &data("mlp.samples.npz"), "--out", &out]);
    let path = format!("{out}/proof");
    let good = fs::read(&path).unwrap();
    for at in [good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        let (exit, message) = code(&["verify", &out, "--model", &model]);
        assert_eq!(exit, 1, "{message}");
        assert!(message.contains("refused: "), "{message}");
    }
    // A proof of another model.
    fs::write(&path, &good).unwrap();
    let other = set_up(folder.path(), "lenet");
    assert_eq!(code(&["verify", &out, "--model", &other]).0, 1);
    assert_eq!(code(&["verify", &out, "--model", &model]).0, 0);
    // A level that was not named is not taken.
    let level = zkml_dsl::engine::SecurityLevel::ALL.into_iter().find(|l| !l.is_proven()).unwrap();
    assert_eq!(code(&["verify", &out, "--model", &model, "--accept", level.name()]).0, 1);
}

#[test]
fn exit_codes() {
    for args in [
        &["nonsense"][..],
        &["prove"],
        &["verify", "x", "--threads", "0"],
        &["import", "a.onnx", "--out", "b", "--constant", "x"],
    ] {
        assert_eq!(code(args).0, 2, "{args:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    let (exit, message) = code(&["cost", "nothing.onnx"]);
    assert_eq!(exit, 3, "{message}");
    assert!(message.contains("nothing.onnx"), "{message}");
    assert_eq!(code(&["verify", here]).0, 3);
    assert_eq!(code(&["inspect", here]).0, 3);
    // Samples are needed, and said to be.
    let (exit, message) = code(&["setup", &data("mlp.onnx"), "--out", here]);
    assert_eq!(exit, 2, "{message}");
    assert!(message.contains("--samples"), "{message}");
    assert_eq!(code(&["--help"]).0, 0);
    assert_eq!(code(&["--version"]).0, 0);
    // With a card there this would be a proof.
    let on_a_card = [
        "setup",
        &data("mlp.onnx"),
        "--samples",
        &data("mlp.samples.npz"),
        "--out",
        here,
        "--backend",
        "cuda",
    ];
    match code(&on_a_card) {
        (0, _) => eprintln!("note: there is a GPU, so none was missing"),
        (exit, message) => assert_eq!(exit, 4, "{message}"),
    }
}

#[test]
fn errors_are_json_too() {
    let output = zkml(&["cost", "nothing.onnx", "--json"]);
    let error: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error["code"], 3);
    assert!(error["error"].as_str().unwrap().contains("nothing.onnx"));
}

#[test]
fn import_and_calibrate() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (model, samples, expected) =
        (data("lenet.onnx"), data("lenet.samples.npz"), data("lenet.expected.npz"));
    let imported = json(&[
        "import",
        &model,
        "--samples",
        &samples,
        "--expected",
        &expected,
        "--out",
        &at("src/model.rs"),
        "--weights",
        &at("w"),
    ]);
    let source = fs::read_to_string(at("src/model.rs")).unwrap();
    assert!(source.contains("#[zk_model]\npub fn lenet("), "{source}");
    let compared = &imported["compared"][0];
    assert!(compared["float"]["relative_rms"].as_f64().unwrap() < 1e-5);
    assert!(compared["integer"]["relative_rms"].as_f64().unwrap() < 0.01);
    assert!(zkml_dsl::weights::FloatWeights::open(at("w")).unwrap().len() == 10);

    // Calibrated first, committed to later.
    json(&["calibrate", &model, "--samples", &samples, "--out", &at("m")]);
    json(&["setup", &at("m")]);
    json(&["prove", &at("m"), "--input", &samples, "--out", &at("p")]);
    assert_eq!(code(&["verify", &at("p"), "--model", &at("m")]).0, 0);
    // A graph as JSON with float weights gives the same keys.
    let graph = at("m/graph.json");
    json(&["setup", &graph, "--weights", &at("w"), "--samples", &samples, "--out", &at("g")]);
    assert_eq!(fs::read(at("m/verifier.key")).unwrap(), fs::read(at("g/verifier.key")).unwrap());
}

#[test]
fn cost_of_a_file_a_graph_and_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let model = set_up(folder.path(), "mlp");
    let report = json(&["cost", &data("mlp.onnx")]);
    assert_eq!(report, json(&["cost", &format!("{model}/graph.json")]));
    let saved = folder.path().join("report.json");
    fs::write(&saved, serde_json::to_vec(&report).unwrap()).unwrap();
    assert_eq!(report, json(&["cost", saved.to_str().unwrap()]));
    // A file that is none is refused before anything reads it.
    let mut graph: serde_json::Value =
        serde_json::from_slice(&fs::read(format!("{model}/graph.json")).unwrap()).unwrap();
    graph["outputs"][0]["node"] = 99.into();
    fs::write(&saved, serde_json::to_vec(&graph).unwrap()).unwrap();
    let (exit, message) = code(&["cost", saved.to_str().unwrap()]);
    assert!(exit == 3 && message.contains("no graph: output 0"), "{exit}: {message}");
    let table = zkml(&["cost", &data("mlp.onnx")]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("multiply-adds"));
}

#[test]
fn completions_and_a_man_page() {
    for shell in ["bash", "zsh", "fish"] {
        let output = zkml(&["completions", shell]);
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("prove"),
            "{shell}"
        );
    }
    let man = zkml(&["man"]);
    assert!(String::from_utf8_lossy(&man.stdout).contains(".TH zkml"));
}
