//! `zkml run`: the integers, no proof.

use crate::args::{On, Run, Where};
use crate::failure::Outcome;
use crate::files;
use crate::model::Model;
use crate::output::Output;
use serde::Serialize;
use std::fmt::Write;
use zkml_dsl::engine::FloatTensor;
use zkml_dsl::DynamicModel;
use zkml_ir::tensor::IntTensor;

/// An output, as real numbers.
#[derive(Serialize)]
pub struct Named {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

pub fn run(a: &Run, output: &Output) -> Outcome {
    let model = Model::open(&a.model, &a.source)?;
    let (ready, _) = model.set_up(None, None, &Where { backend: On::Cpu, security: None })?;
    let outputs = ready.run(&model.input(&ready, a.input.as_deref())?)?;
    let real = real(&ready, &outputs)?;
    if let Some(path) = &a.output {
        files::write_npz(path, &real)?;
    }
    let named = named(&real);
    output.result(&named, || table(&named));
    Ok(())
}

pub fn real(model: &DynamicModel, outputs: &[IntTensor]) -> Outcome<Vec<(String, FloatTensor)>> {
    let ports = model.graph().outputs.iter().zip(outputs);
    let real = ports.map(|(p, x)| Ok((p.name.clone(), model.to_real(&p.name, x)?)));
    Ok(real.collect::<Result<_, zkml_dsl::Error>>()?)
}

pub fn named(real: &[(String, FloatTensor)]) -> Vec<Named> {
    let one = |(name, t): &(String, FloatTensor)| Named {
        name: name.clone(),
        shape: t.shape.dims().to_vec(),
        values: t.data.clone(),
    };
    real.iter().map(one).collect()
}

/// The first numbers of each.
pub fn table(outputs: &[Named]) -> String {
    const SHOWN: usize = 10;
    let mut out = String::new();
    for o in outputs {
        let shown: Vec<String> = o.values.iter().take(SHOWN).map(|v| format!("{v:.5}")).collect();
        let more = if o.values.len() > SHOWN { ", .." } else { "" };
        let _ = writeln!(out, "{} {:?}: {}{more}", o.name, o.shape, shown.join(", "));
    }
    out
}
