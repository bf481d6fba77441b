//! What the report says.

use serde_json::json;
use zkml_ir::graph::{Graph, Op};

pub(super) struct Summary<'a>(pub &'a Graph);

impl Summary<'_> {
    fn ops(&self) -> impl Iterator<Item = &zkml_ir::graph::Node> {
        self.0.nodes.iter().filter(|n| !matches!(n.op, Op::Input(_) | Op::Weight(_)))
    }

    fn weight_cells(&self) -> usize {
        self.0.weights.iter().map(|w| self.0.ty(w.node).shape.len()).sum()
    }

    /// One line for library modules.
    pub fn line(&self) -> String {
        format!("{} ops, {} weight cells", self.ops().count(), self.weight_cells())
    }

    pub fn table(&self) -> String {
        let mut out = format!("{:<32} {:>18} {:>26}\n", "op", "shape", "interval");
        for n in self.ops() {
            let (shape, interval) = (n.ty.shape.to_string(), n.ty.interval.to_string());
            out += &format!("{:<32} {shape:>18} {interval:>26}\n", n.name);
        }
        out + &self.line()
    }

    pub fn json(&self) -> String {
        let ops: Vec<_> = self
            .ops()
            .map(|n| {
                json!({
                    "name": n.name,
                    "elem": n.ty.elem.name(),
                    "shape": n.ty.shape.dims(),
                    "interval": [n.ty.interval.lo, n.ty.interval.hi],
                })
            })
            .collect();
        let report = json!({ "model": self.0.name, "ops": ops, "weight_cells": self.weight_cells() });
        serde_json::to_string_pretty(&report).expect("plain values serialise") + "\n"
    }
}
