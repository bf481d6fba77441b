//! The cost of one op, or of the same op in every iteration of a loop.

use super::MatMulDims;
use crate::elem::Interval;
use crate::graph::{Graph, Node, Op};
use crate::lower::Part;
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

/// Trace rows that a bit-level exponential costs for each score (as in [`super::AttentionCost`]).
const NAIVE_SOFTMAX_ROWS: u64 = 100;

impl OpCost {
    pub(super) fn new(graph: &Graph, node: &Node, part: &Part, plan: &Plan) -> Self {
        let tensors = &plan.tensors[part.tensors.clone()];
        let committed_cells = tensors.iter().filter(|t| t.is_committed()).map(|t| t.axes.len() as u64).sum();
        let lookups = plan.lookups[part.lookups.clone()].iter().map(|l| l.space.len() as u64).sum();
        let (multiply_adds, naive_rows, sumcheck_rows) = rows(graph, node);
        Self {
            name: generic(&part.name),
            op: op_name(&node.op).to_owned(),
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

/// A path with its numbers replaced: `blocks[3].x` and `blocks.3.x` become `blocks[*].x` and `blocks.*.x`.
pub(super) fn generic(path: &str) -> String {
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

fn op_name(op: &Op) -> &'static str {
    match op {
        Op::Input(_) => "input",
        Op::Weight(_) => "weight",
        Op::MatMul => "matmul",
        Op::Add => "add",
        Op::Sub => "sub",
        Op::Mul | Op::MulInt(_) | Op::MulReal(_) => "mul",
        Op::Neg => "neg",
        Op::Quantize { .. } => "quantize",
        Op::Relu => "relu",
        Op::Gelu => "gelu",
        Op::Exp => "exp",
        Op::Softmax { .. } => "softmax",
        Op::AttentionCore { .. } => "attention",
        Op::LayerNorm { .. } => "layer_norm",
        Op::Transpose { .. } => "transpose",
        Op::Reshape => "reshape",
        Op::Slice { .. } => "slice",
        Op::Concat { .. } => "concat",
    }
}

/// Multiply-adds, naive rows, sumcheck rows.
fn rows(graph: &Graph, node: &Node) -> (u64, u64, u64) {
    let out = node.ty.shape.len() as u64;
    let arg = |i: usize| graph.ty(node.args[i]).shape.dims();
    match &node.op {
        Op::Input(_) | Op::Weight(_) => (0, 0, 0),
        Op::Transpose { .. } | Op::Reshape | Op::Slice { .. } | Op::Concat { .. } => (0, 0, 0),
        Op::MatMul => {
            let (a, b) = (arg(0), arg(1));
            let (k, n) = (a[a.len() - 1] as u64, b[b.len() - 1] as u64);
            // A shared right operand is read once for all rows; one of its own for each batch, once each.
            let rows: u64 = a[..a.len() - 1].iter().map(|&d| d as u64).product();
            let batch: u64 = b[..b.len() - 2].iter().map(|&d| d as u64).product();
            let d = MatMulDims::new(rows / batch, k, n);
            let naive = batch * d.naive_trace_rows();
            (naive, naive, batch * d.sumcheck_trace_rows())
        }
        Op::AttentionCore { .. } => {
            let (s, v) = (arg(0), arg(1));
            let scores: u64 = s.iter().map(|&d| d as u64).product();
            let width = v[v.len() - 1] as u64;
            let madds = scores * width;
            // With the scores' own matmul this adds up to AttentionCost.
            (madds, madds + NAIVE_SOFTMAX_ROWS * scores, 2 * scores + 2 * out)
        }
        Op::Softmax { .. } => (2 * out, NAIVE_SOFTMAX_ROWS * out, 2 * out),
        Op::LayerNorm { .. } => (3 * out, 3 * out, 3 * out),
        Op::Mul => (out, out, 2 * out),
        _ => (0, out, out),
    }
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
