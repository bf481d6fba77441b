//! `zkml cost`: the report before there is any weight.

use crate::args::Cost;
use crate::failure::{Failure, Outcome};
use crate::model::Model;
use crate::output::Output;
use crate::{files, report};
use zkml_dsl::engine::CostReport;

pub fn run(a: &Cost, output: &Output) -> Outcome {
    // A report that was printed as JSON, or a model.
    let read = a.model.extension().is_some_and(|e| e == "json").then(|| std::fs::read(&a.model)).transpose();
    let read = read.map_err(|e| Failure::file(&a.model, e))?;
    let report: Option<CostReport> = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let (report, graph) = match report {
        Some(report) => (report, None),
        None => {
            let instance = Model::open(&a.model, &a.source)?.instance()?;
            (instance.report()?, Some(instance.graph().clone()))
        }
    };
    if let Some(path) = &a.html {
        let page = report::page(&report::Page { cost: &report, graph: graph.as_ref(), proven: None });
        files::write(path, page.as_bytes())?;
    }
    output.result(&report, || format!("{report}\n"));
    Ok(())
}
