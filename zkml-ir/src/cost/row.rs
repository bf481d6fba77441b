//! The cost of one op, or of the same op in every iteration of a loop.

use crate::elem::Interval;
use crate::graph::{Graph, Node};
use crate::lower::Part;
use crate::ops::primitive::Work;
use crate::plan::Plan;
use serde::{Deserialize, Serialize};

/// One row of the report. Counts are for all instances together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpCost {
    /// Path with loop indices as `*`: `blocks[*].attention.scores`.
    pub name: String,
    pub op: String,
    /// How many instances the row stands for.
    pub count: u64,
    pub shape: Vec<usize>,
    pub elem: String,
    pub interval: Interval,
    pub multiply_adds: u64,
    /// Rows of a trace with one row for each multiply-add.
    pub naive_rows: u64,
    /// Values that the sumchecks read.
    pub sumcheck_rows: u64,
    pub committed_cells: u64,
    pub lookups: u64,
}

impl OpCost {
    pub(super) fn new(graph: &Graph, node: &Node, part: &Part, plan: &Plan) -> Self {
        let tensors = &plan.tensors[part.tensors.clone()];
        let committed_cells = tensors.iter().filter(|t| t.is_committed()).map(|t| t.axes.len() as u64).sum();
        let lookups = plan.lookups[part.lookups.clone()].iter().map(|l| l.space.len() as u64).sum();
        let Work { multiply_adds, naive_rows, sumcheck_rows } = node.op.primitive().work(graph, node);
        Self {
            name: generic(&part.name),
            op: node.op.primitive().name().to_owned(),
            count: 1,
            shape: node.ty.shape.dims().to_vec(),
            elem: node.ty.elem.name().to_owned(),
            interval: node.ty.interval,
            multiply_adds,
            naive_rows,
            sumcheck_rows,
            committed_cells,
            lookups,
        }
    }

    /// Another instance of the same op joins the row.
    pub(super) fn joins(&mut self, other: &Self) -> bool {
        let same = |a: &Self| (a.name.clone(), a.op.clone(), a.shape.clone(), a.elem.clone());
        if same(self) != same(other) {
            return false;
        }
        self.count += 1;
        self.interval = self.interval.union(other.interval);
        self.multiply_adds += other.multiply_adds;
        self.naive_rows += other.naive_rows;
        self.sumcheck_rows += other.sumcheck_rows;
        self.committed_cells += other.committed_cells;
        self.lookups += other.lookups;
        true
    }
}

/// A path with its numbers replaced: `blocks[3].x` and `blocks.3.x` become `blocks[*].x` and `blocks.*.x`, the names
/// of rows.
pub fn generic(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find(['[', '.']) {
        let (head, tail) = rest.split_at(at + 1);
        out.push_str(head);
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let ends = tail[digits..].chars().next().is_none_or(|c| matches!(c, ']' | '.'));
        if digits > 0 && ends {
            out.push('*');
            rest = &tail[digits..];
        } else {
            rest = tail;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::generic;

    #[test]
    fn indices_become_stars() {
        assert_eq!(generic("blocks[3].attention.q"), "blocks[*].attention.q");
        assert_eq!(generic("h.11.attn"), "h.*.attn");
        assert_eq!(generic("w1.b2"), "w1.b2");
    }
}
