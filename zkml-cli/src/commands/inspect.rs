//! `zkml inspect`: what a file says of itself. Nothing is verified.

use crate::args::Inspect;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::output::Output;
use serde_json::{json, Map, Value};
use std::path::Path;
use zkml_dsl::engine::{AcceptedLevel, Certificate, PortableKey, Proof, StatementFile, VerifierKey};
use zkml_runtime::artifact::ArtifactError;
use zkml_runtime::protocol::{Label, Proof as Argument, System, SystemError};

pub fn run(a: &Inspect, output: &Output) -> Outcome {
    let system = match &a.model {
        Some(model) => {
            let path = model.join(files::PORTABLE);
            let key = PortableKey::load(&path).map_err(|e| Failure::file(&path, e))?;
            Some(system(&key).map_err(|e| Failure::file(&path, e))?)
        }
        None => {
            let folder = if a.path.is_dir() { Some(&*a.path) } else { a.path.parent() };
            let key = folder.and_then(|f| PortableKey::load(f.join(files::PORTABLE)).ok());
            key.and_then(|k| system(&k).ok())
        }
    };
    let value = match a.path.is_dir() {
        true => folder(&a.path, system.as_ref())?,
        false => file(&a.path, system.as_ref())?,
    };
    output.result(&value, || words(&value, 0));
    Ok(())
}

/// The argument that a key's proofs are of.
pub fn system(key: &PortableKey) -> Result<System, SystemError> {
    System::new(key.plan.clone(), key.level, Label::Inference)
}

fn folder(path: &Path, system: Option<&System>) -> Outcome<Value> {
    let names = [files::PORTABLE, files::KEY, files::CERTIFICATE, files::STATEMENT, files::PROOF];
    let there: Vec<_> = names.into_iter().map(|n| (n, path.join(n))).filter(|(_, p)| p.exists()).collect();
    if there.is_empty() {
        return Err(Failure::file(path, format_args!("none of {} is there", names.join(", "))));
    }
    let all = there.iter().map(|(n, p)| Ok((n.to_string(), file(p, system)?)));
    Ok(Value::Object(all.collect::<Outcome<Map<_, _>>>()?))
}

fn file(path: &Path, system: Option<&System>) -> Outcome<Value> {
    let bytes = std::fs::read(path).map_err(|e| Failure::file(path, e))?;
    if bytes.len() < 8 || &bytes[..4] != b"zkml" {
        return Err(Failure::file(path, "no file of zkml: a proof, statement, certificate or key"));
    }
    let model = model_of(&bytes).unwrap_or_default();
    let other = |e: &ArtifactError| matches!(e, ArtifactError::Kind { .. });
    macro_rules! try_as {
        ($read:expr, $say:expr) => {
            match $read {
                Ok(file) => return $say(file),
                Err(e) if other(&e) => {}
                Err(e) => return Err(Failure::file(path, e)),
            }
        };
    }
    try_as!(Proof::from_bytes(&bytes), |p: Proof| Ok(proof(&p, bytes.len(), system)));
    try_as!(PortableKey::from_bytes(&bytes), |k: PortableKey| portable(&k, bytes.len()));
    try_as!(VerifierKey::from_bytes(&bytes, &model), |k: VerifierKey| Ok(key(&k, bytes.len())));
    try_as!(Certificate::from_bytes(&bytes, &model), |c: Certificate| Ok(json!({
        "kind": "certificate", "model": c.model, "bytes": bytes.len(), "root": hex::encode(c.root), "columns": c.columns,
        "parts": c.parts.len(),
    })));
    try_as!(StatementFile::from_bytes(&bytes), |s: StatementFile| Ok(statement(&s, bytes.len())));
    Err(Failure::file(path, "no file of zkml that this version knows"))
}

/// Behind magic, kind and version: the length of the name, and the name.
fn model_of(bytes: &[u8]) -> Option<String> {
    let n = u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?) as usize;
    String::from_utf8(bytes.get(16..16usize.checked_add(n)?)?.to_vec()).ok()
}

fn proof(p: &Proof, len: usize, system: Option<&System>) -> Value {
    let mut value = json!({
        "kind": "proof", "model": p.model, "digest": hex::encode(p.digest), "bytes": len,
        "private_inputs": p.private_inputs.map(hex::encode),
    });
    match system.map(|s| Argument::from_bytes(&p.argument, s)) {
        Some(Ok(argument)) => {
            let parts = argument.sizes().into_iter().map(|(name, n)| (name.to_owned(), json!(n)));
            value["bytes_by_part"] = Value::Object(parts.collect());
        }
        Some(Err(e)) => value["bytes_by_part"] = json!(format!("not of this key's shape: {e}")),
        None => value["bytes_by_part"] = json!("told by the model's portable key: --model FOLDER"),
    }
    value
}

fn portable(k: &PortableKey, len: usize) -> Outcome<Value> {
    let system = system(k).map_err(Failure::input)?;
    let report = system.security();
    let terms = report.terms().into_iter().map(|(name, bits)| (name.to_owned(), json!(bits)));
    let accepted = if AcceptedLevel::Proven.accepts(k.level) { "proven" } else { "conjectured" };
    let ranges: Vec<Value> = k
        .plan
        .tensors
        .iter()
        .filter(|t| !matches!(t.source, zkml_ir::plan::Source::Trace | zkml_ir::plan::Source::Constant(_)))
        .map(
            |t| json!({ "name": t.name, "shape": t.axes.shape().dims(), "lo": t.range.lo, "hi": t.range.hi }),
        )
        .collect();
    Ok(json!({
        "kind": "portable key", "model": k.model, "digest": hex::encode(k.key.digest), "root": hex::encode(k.key.root),
        "columns": k.key.columns, "bytes": len, "level": k.level.name(), "soundness": accepted,
        "security_bits": report.sum_bits(), "security_terms": Value::Object(terms.collect()), "ranges": ranges,
        "lookups": k.plan.n_lookups(), "constraints": k.plan.constraints.len(), "proof_bytes_at_most": Argument::max_bytes(&system),
    }))
}

fn key(k: &VerifierKey, len: usize) -> Value {
    let data = k.data();
    json!({
        "kind": "verifier key", "model": data.model, "digest": hex::encode(data.key.digest), "root": hex::encode(data.key.root),
        "columns": data.key.columns, "bytes": len, "level": data.level.name(), "rescales": data.params.rescales.len(),
    })
}

fn statement(s: &StatementFile, len: usize) -> Value {
    let tensor = |t: &zkml_ir::tensor::IntTensor| {
        let values = t.to_vec();
        let ends = (values.iter().min(), values.iter().max());
        json!({ "shape": t.shape().dims(), "least": ends.0, "largest": ends.1 })
    };
    let inputs: Vec<Value> =
        s.statement.inputs.iter().map(|t| t.as_ref().map_or(json!("private"), tensor)).collect();
    let outputs: Vec<Value> = s.statement.outputs.iter().map(tensor).collect();
    json!({ "kind": "statement", "model": s.model, "bytes": len, "inputs": inputs, "outputs": outputs })
}

fn words(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, v)| match v {
                Value::Object(_) => format!("{indent}{name}\n{}", words(v, depth + 1)),
                Value::Array(all) if all.iter().any(Value::is_object) => {
                    let rows: String = all.iter().map(|v| format!("{indent}  {v}\n")).collect();
                    format!("{indent}{name}\n{rows}")
                }
                Value::Number(n) if n.is_f64() => {
                    format!("{indent}{name}: {:.1}\n", n.as_f64().unwrap_or(0.0))
                }
                Value::String(s) => format!("{indent}{name}: {s}\n"),
                v => format!("{indent}{name}: {v}\n"),
            })
            .collect(),
        v => format!("{indent}{v}\n"),
    }
}
