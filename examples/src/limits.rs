//! What cannot be set up, said before weights are made or read.

use crate::session::Failure;
use zkml_dsl::engine::{available_memory, check_memory, estimate_memory, SecurityLevel, Task};
use zkml_ir::cost::placeholder;
use zkml_ir::graph::Graph;
use zkml_ir::lower::{certificate_size, lower, CERTIFICATE_PART};
use zkml_ir::plan::MAX_LOOKUPS;

/// Refuses a model whose certificate needs more lookups than one argument holds.
pub fn lookups(graph: &Graph) -> Result<(), Failure> {
    let plan = lower(graph, &placeholder(graph))?.plan;
    let parts = certificate_size(&plan, CERTIFICATE_PART)?;
    let lookups = parts.iter().map(|part| part.plan.n_lookups()).max().unwrap_or(0);
    if lookups < MAX_LOOKUPS {
        return Ok(());
    }
    let weights: usize = graph.weights.iter().map(|w| graph.ty(w.node).shape.len()).sum();
    let message = format!("a part of the certificate of {weights} weights needs {lookups} lookups");
    Err(format!("{message}, one argument holds less than {MAX_LOOKUPS}: take fewer layers with `--layers`")
        .into())
}

/// Refuses a model that needs more memory to be set up than there is.
pub fn memory(graph: &Graph, level: SecurityLevel) -> Result<(), Failure> {
    let memory = estimate_memory(graph, level)?;
    let available = available_memory().unwrap_or(u64::MAX);
    Ok(check_memory(Task::Setup, memory.weights + memory.setup, available)?)
}
