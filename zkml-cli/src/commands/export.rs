//! `zkml export`: what a program embeds that verifies this model's proofs, and vectors to test it with.

use crate::args::{Export, On, Source, Where};
use crate::commands::run::{named, real};
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::model::Model;
use crate::output::Output;
use serde_json::json;
use zkml_dsl::engine::{AcceptedLevel, Statement, StatementFile};

pub fn run(a: &Export, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &Source::default())?;
    if !matches!(model, Model::Folder { .. }) {
        return Err(Failure::usage("export takes the folder of a model: `zkml setup` writes one"));
    }
    let (ready, _) = model.set_up(None, None, &Where { backend: On::Cpu, security: None })?;
    let inputs = model.input(&ready, Some(&a.input))?;
    let (outputs, proof) = ready.prove(&inputs)?;
    let ports = ready.graph().inputs.iter().zip(&inputs);
    let statement = Statement {
        inputs: ports.map(|(p, x)| (!p.private).then(|| x.clone())).collect(),
        outputs: outputs.clone(),
    };
    // Vectors that do not verify would be worse than none.
    let key = ready.verifier_key();
    let portable = key.portable(ready.graph())?;
    portable
        .verifier(key.certificate(), AcceptedLevel::from(key.data().level))?
        .verify(&statement, &proof)?;

    std::fs::create_dir_all(&a.out).map_err(|e| Failure::file(&a.out, e))?;
    portable.save(a.out.join(files::PORTABLE))?;
    if let Some(certificate) = key.certificate() {
        certificate.save(a.out.join(files::CERTIFICATE))?;
    }
    let name = ready.graph().name.clone();
    StatementFile { model: name.clone(), statement: statement.clone() }.save(a.out.join(files::STATEMENT))?;
    proof.save(a.out.join(files::PROOF))?;
    let tensor = |t: &zkml_ir::tensor::IntTensor| json!({ "shape": t.shape().dims(), "values": t.to_vec() });
    let vectors = json!({
        "model": name,
        "digest": hex::encode(key.data().key.digest),
        "root": hex::encode(key.data().key.root),
        "inputs": statement.inputs.iter().map(|t| t.as_ref().map(tensor)).collect::<Vec<_>>(),
        "outputs": outputs.iter().map(tensor).collect::<Vec<_>>(),
        "real_outputs": named(&real(&ready, &outputs)?),
    });
    files::write(&a.out.join("vectors.json"), &serde_json::to_vec_pretty(&vectors)?)?;
    output.result(&vectors, || {
        format!(
            "{name}: {}, {}, {}, {} and vectors.json in {}\n",
            files::PORTABLE,
            files::CERTIFICATE,
            files::STATEMENT,
            files::PROOF,
            a.out.display()
        )
    });
    Ok(())
}
