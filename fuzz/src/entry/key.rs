//! Keys, certificates and statements from anywhere.

use super::edits;
use super::golden::{golden, FILES};
use super::graph::{self, Model};
use std::sync::OnceLock;
use zkml_ir::graph::{Graph, Params};
use zkml_ir::lower::lower;
use zkml_runtime::artifact::{Certificate, KeyData, PortableKey, StatementFile, VerifierKey, FORMAT_VERSION};
use zkml_runtime::protocol::{Key, Label, System};
use zkml_runtime::security::{AcceptedLevel, SecurityLevel};

/// The first byte chooses the file, the second the model.
pub fn run(data: &[u8]) {
    let [choice, model, rest @ ..] = data else { return };
    let (form, golden_model) = (choice % 10, *model as usize % 3);
    let (graph, file) = &keys()[*model as usize % keys().len()];
    let edited = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        edits::apply(rest, &mut bytes);
        bytes
    };
    match form {
        0 => {
            verifier_key(rest, graph);
            portable_key(rest, golden_model);
            certificate(rest, &graph.name);
            statement(rest, golden_model);
        }
        1 => verifier_key(&headed(0, &graph.name, rest), graph),
        2 | 3 => verifier_key(&edited(file), graph),
        4 => portable_key(&headed(4, "", rest), golden_model),
        5 => portable_key(&edited(FILES[golden_model].key), golden_model),
        6 => certificate(&headed(2, &graph.name, rest), &graph.name),
        7 => certificate(&edited(FILES[golden_model].certificate), &golden(golden_model).key.model),
        8 => statement(&headed(3, &graph.name, rest), golden_model),
        _ => statement(&edited(FILES[golden_model].statement), golden_model),
    }
}

/// Parameters that every graph of [`graph::ALL`] takes.
pub fn params((graph, rescales): &Model) -> Params {
    Params { rescales: rescales.clone(), steps: vec![1.0 / 64.0; graph.steps.names.len()] }
}

/// Every small graph with its key.
fn keys() -> &'static [(Graph, Vec<u8>)] {
    static KEYS: OnceLock<Vec<(Graph, Vec<u8>)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key = |build: &graph::Build| {
            let model = build();
            let params = params(&model);
            let plan = lower(&model.0, &params).expect("lowers").plan;
            let system = System::new(plan, SecurityLevel::Proven, Label::Inference).expect("sound");
            let columns = system.layout().columns[0];
            let key = Key { root: [7; 32], columns, digest: system.digest().0 };
            let data = KeyData { model: model.0.name.clone(), level: SecurityLevel::Proven, params, key };
            (model.0, VerifierKey::new(data).to_bytes())
        };
        graph::ALL.iter().map(|(_, build)| key(build)).collect()
    })
}

/// A body under a file's header.
fn headed(kind: u32, model: &str, body: &[u8]) -> Vec<u8> {
    let words = [kind, FORMAT_VERSION, model.len() as u32];
    let words = words.iter().flat_map(|w| w.to_le_bytes());
    b"zkml".iter().copied().chain(words).chain(model.bytes()).chain(body.iter().copied()).collect()
}

fn verifier_key(bytes: &[u8], graph: &Graph) {
    let Ok(key) = VerifierKey::from_bytes(bytes, &graph.name) else { return };
    assert!(VerifierKey::from_bytes(&key.to_bytes(), &graph.name).is_ok());
    let _ = key.verifier(graph, AcceptedLevel::Proven);
    let _ = key.portable(graph);
}

fn portable_key(bytes: &[u8], model: usize) {
    let Ok(key) = PortableKey::from_bytes(bytes) else { return };
    assert!(PortableKey::from_bytes(&key.to_bytes()).is_ok_and(|again| again == key));
    let _ = key.verifier(Some(&golden(model).certificate), AcceptedLevel::Proven);
}

fn certificate(bytes: &[u8], model: &str) {
    let Ok(certificate) = Certificate::from_bytes(bytes, model) else { return };
    assert!(certificate.to_bytes() == bytes, "two forms of one certificate");
}

fn statement(bytes: &[u8], model: usize) {
    let Ok(file) = StatementFile::from_bytes(bytes) else { return };
    assert!(file.to_bytes() == bytes, "two forms of one statement");
    let _ = file.statement.check(golden(model).verifier.system());
}
