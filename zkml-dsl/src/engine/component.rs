//! The components of a model: what each op adds to its proof.

use super::Error;
use zkml_ir::cost::placeholder;
use zkml_ir::graph::Graph;
use zkml_ir::lower::lower;

/// One op's share of the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The op's path: `blocks[3].attention.scores`.
    pub name: String,
    /// Cells that a proof commits for it.
    pub committed_cells: u64,
    /// Tuples that it looks up.
    pub lookups: u64,
    /// Relations between its cells and those of other ops, each over an index space.
    pub constraints: usize,
}

/// The components of a graph, one for each op, in order. They depend on the graph alone.
pub fn register(graph: &Graph) -> Result<Vec<Component>, Error> {
    let lowered = lower(graph, &placeholder(graph))?;
    let plan = &lowered.plan;
    let component = |p: &zkml_ir::lower::Part| Component {
        name: p.name.clone(),
        committed_cells: plan.tensors[p.tensors.clone()]
            .iter()
            .filter(|t| t.is_committed())
            .map(|t| t.axes.len() as u64)
            .sum(),
        lookups: plan.lookups[p.lookups.clone()].iter().map(|l| l.space.len() as u64).sum(),
        constraints: p.constraints.len(),
    };
    Ok(lowered.parts.iter().map(component).collect())
}
