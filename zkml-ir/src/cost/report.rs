//! The trace-cost report of a model.

use super::{Estimate, Machine, OpCost};
use crate::graph::{Graph, Params, Rescale};
use crate::layout::{Layout, Tree};
use crate::lower::{certificate_size, lower, LowerError, CERTIFICATE_PART};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Columns of one tree, each of `2^log_rows` rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeCost {
    pub tree: Tree,
    pub columns: usize,
    pub log_rows: u32,
    /// Cells in use.
    pub cells: u64,
}

/// What a model costs. The totals are what the prover commits and looks up, to the cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostReport {
    pub model: String,
    pub ops: Vec<OpCost>,
    pub multiply_adds: u64,
    pub naive_rows: u64,
    pub sumcheck_rows: u64,
    /// Cells that each proof commits, multiplicities included.
    pub committed_cells: u64,
    /// Cells committed once.
    pub weight_cells: u64,
    pub multiplicity_cells: u64,
    pub lookups: u64,
    pub constraints: u64,
    pub trees: Vec<TreeCost>,
    pub estimate: Estimate,
}

/// The cost of a graph. It does not depend on rescales or steps, so it is known before any weight is.
pub fn report(graph: &Graph) -> Result<CostReport, LowerError> {
    let params = placeholder(graph);
    let lowered = lower(graph, &params)?;
    let plan = &lowered.plan;
    let layout = Layout::new(plan);
    let mut ops: Vec<OpCost> = vec![];
    // The parts of the outputs follow those of the nodes and commit nothing.
    for (node, part) in graph.nodes.iter().zip(&lowered.parts) {
        let row = OpCost::new(graph, node, part, plan);
        if !ops.iter_mut().any(|o| o.joins(&row)) {
            ops.push(row);
        }
    }
    let sum = |f: fn(&OpCost) -> u64| ops.iter().map(f).sum::<u64>();
    let multiplicity_cells: u64 = plan.tables.iter().map(|t| 1u64 << t.log_rows()).sum();
    let cells = |tree: Tree| {
        let tensors = plan.tensors.iter().zip(&layout.tensors);
        let own = tensors.filter(|(_, p)| p.as_ref().is_some_and(|p| p.tree == tree));
        let counts = if tree == Tree::Trace { multiplicity_cells } else { 0 };
        own.map(|(t, _)| t.axes.len() as u64).sum::<u64>() + counts
    };
    let trees = Tree::ALL.into_iter().filter(|&t| layout.columns_of(t) > 0);
    let trees: Vec<TreeCost> = trees
        .map(|tree| TreeCost {
            tree,
            columns: layout.columns_of(tree),
            log_rows: layout.log_rows,
            cells: cells(tree),
        })
        .collect();
    Ok(CostReport {
        model: graph.name.clone(),
        multiply_adds: sum(|o| o.multiply_adds),
        naive_rows: sum(|o| o.naive_rows),
        sumcheck_rows: sum(|o| o.sumcheck_rows),
        committed_cells: cells(Tree::Trace) + cells(Tree::Private),
        weight_cells: cells(Tree::Weights),
        multiplicity_cells,
        lookups: plan.n_lookups(),
        constraints: plan.constraints.len() as u64,
        estimate: Estimate::new(plan, &certificate_size(plan, CERTIFICATE_PART)?, &layout),
        trees,
        ops,
    })
}

/// Admissible parameters that stand for those of a loaded model.
pub fn placeholder(graph: &Graph) -> Params {
    Params {
        rescales: graph.rescales.iter().map(|_| Rescale { m: 1, s: 1 }).collect(),
        steps: vec![1.0; graph.steps.names.len()],
    }
}

impl CostReport {
    /// With times for this machine.
    pub fn on(self, machine: Machine) -> Self {
        Self { estimate: self.estimate.on(machine), ..self }
    }

    /// One line, for library modules.
    pub fn line(&self) -> String {
        format!(
            "{} cells, {} lookups, {} weights, {} multiply-adds; about {:.0} ms, {} KiB",
            grouped(self.committed_cells),
            grouped(self.lookups),
            grouped(self.weight_cells),
            grouped(self.multiply_adds),
            self.estimate.prove_ms,
            self.estimate.proof_bytes / 1024
        )
    }
}

impl fmt::Display for CostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head =
            ["op", "output", "interval", "multiply-adds", "naive rows", "sumcheck rows", "cells", "lookups"];
        let mut lines = vec![head.map(str::to_owned)];
        // Views and sums are free; a row of zeros says nothing.
        for o in
            self.ops.iter().filter(|o| o.op != "weight" && (o.sumcheck_rows > 0 || o.committed_cells > 0))
        {
            let count = if o.count > 1 { format!(" x{}", o.count) } else { String::new() };
            lines.push([
                format!("{} {}{count}", o.op, o.name),
                format!("{}{:?}", o.elem, o.shape),
                o.interval.to_string(),
                grouped(o.multiply_adds),
                grouped(o.naive_rows),
                grouped(o.sumcheck_rows),
                grouped(o.committed_cells),
                grouped(o.lookups),
            ]);
        }
        lines.push([
            "total".into(),
            String::new(),
            String::new(),
            grouped(self.multiply_adds),
            grouped(self.naive_rows),
            grouped(self.sumcheck_rows),
            grouped(self.committed_cells - self.multiplicity_cells),
            grouped(self.lookups),
        ]);
        let width = |c: usize| lines.iter().map(|l| l[c].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        for l in &lines {
            let cells = l.iter().zip(&widths).enumerate().map(|(c, (text, w))| match c {
                0..3 => format!("{text:<w$}"),
                _ => format!("{text:>w$}"),
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        for t in &self.trees {
            let name = match t.tree {
                Tree::Weights => "weights, committed once",
                Tree::Private => "private inputs",
                Tree::Trace => "trace",
            };
            let (cells, columns) = (grouped(t.cells), t.columns);
            writeln!(f, "tree: {name}: {columns} columns x 2^{} rows, {cells} cells", t.log_rows)?;
        }
        writeln!(
            f,
            "estimate: {:.0} ms on {}, proof {} KiB, memory {} MiB",
            self.estimate.prove_ms,
            self.estimate.machine,
            self.estimate.proof_bytes / 1024,
            self.estimate.memory_bytes >> 20
        )
    }
}

/// Digits in groups of three.
fn grouped(n: u64) -> String {
    let s = n.to_string();
    let mut out = String::with_capacity(s.len() * 4 / 3);
    for (i, c) in s.chars().enumerate() {
        if i > 0 && (s.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
