//! What lowering builds up: tensors, tables, lookups and constraints of one op after the other.

use super::value::Value;
use super::{LowerError, Part};
use crate::elem::Interval;
use crate::graph::{Graph, NodeId, Params, TensorType};
use crate::plan::{
    BoundBy, Constant, Constraint, LinExpr, Lookup, Plan, Product, Source, Space, TableId, TensorDecl,
    TensorId, View,
};
use crate::tables::{Ranges, Span, Table};

pub(crate) struct Ctx<'g> {
    pub graph: &'g Graph,
    pub params: &'g Params,
    pub plan: Plan,
    pub parts: Vec<Part>,
    pub values: Vec<Option<Value>>,
    /// Quantisations whose only user, an activation, looks q up by itself.
    pub fuses: Vec<bool>,
    /// Of such a quantisation: q.
    pub fused: Vec<Option<TensorId>>,
    ranges: Option<TableId>,
    /// Prefix of the names of the op at hand.
    name: String,
}

impl<'g> Ctx<'g> {
    pub fn new(graph: &'g Graph, params: &'g Params) -> Self {
        let n = graph.nodes.len();
        Self {
            graph,
            params,
            plan: Plan::default(),
            parts: vec![],
            values: vec![None; n],
            fuses: super::fused_activations(graph),
            fused: vec![None; n],
            ranges: None,
            name: String::new(),
        }
    }

    /// Starts the part of an op; it ends where the next one starts.
    pub fn begin(&mut self, node: NodeId, name: String) {
        self.end();
        let at = (self.plan.tensors.len(), self.plan.lookups.len(), self.plan.constraints.len());
        self.name.clone_from(&name);
        self.parts.push(Part {
            node,
            name,
            tensors: at.0..at.0,
            lookups: at.1..at.1,
            constraints: at.2..at.2,
        });
    }

    pub fn end(&mut self) {
        if let Some(p) = self.parts.last_mut() {
            p.tensors.end = self.plan.tensors.len();
            p.lookups.end = self.plan.lookups.len();
            p.constraints.end = self.plan.constraints.len();
        }
    }

    pub fn ty(&self, node: NodeId) -> &'g TensorType {
        self.graph.ty(node)
    }

    pub fn value(&self, node: NodeId) -> Result<&Value, LowerError> {
        self.values[node].as_ref().ok_or_else(|| LowerError::Malformed {
            node: self.graph.nodes[node].name.clone(),
            what: "is used before its value is known",
        })
    }

    /// An argument without products.
    pub fn affine(&self, node: NodeId) -> Result<&Value, LowerError> {
        let v = self.value(node)?;
        match v.is_affine() {
            true => Ok(v),
            false => Err(LowerError::NeedsQuantize {
                node: self.name.clone(),
                arg: self.graph.nodes[node].name.clone(),
            }),
        }
    }

    pub fn part_name(&self) -> String {
        self.name.clone()
    }

    pub fn unsupported(&self, what: impl Into<String>) -> LowerError {
        LowerError::Unsupported { node: self.name.clone(), what: what.into() }
    }

    pub fn tensor(
        &mut self,
        role: &str,
        source: Source,
        axes: &Space,
        range: Interval,
        bound: BoundBy,
    ) -> TensorId {
        let name = if role.is_empty() { self.name.clone() } else { format!("{}/{role}", self.name) };
        self.plan.tensors.push(TensorDecl { name, source, axes: axes.clone(), range, bound });
        self.plan.tensors.len() - 1
    }

    pub fn constant(&mut self, role: &str, axes: &Space, range: Interval, c: Constant) -> TensorId {
        self.tensor(role, Source::Constant(c), axes, range, BoundBy::Public)
    }

    /// A constant that several ops may share.
    pub fn shared_constant(&mut self, role: &str, axes: &Space, range: Interval, c: Constant) -> TensorId {
        let same = |t: &TensorDecl| t.axes == *axes && matches!(&t.source, Source::Constant(d) if *d == c);
        match self.plan.tensors.iter().position(same) {
            Some(id) => id,
            None => self.constant(role, axes, range, c),
        }
    }

    /// A public input as one-hot rows.
    pub fn one_hot_of(&mut self, input: usize, axes: &Space) -> TensorId {
        let source = Source::OneHotOf(input);
        let same = |t: &TensorDecl| t.axes == *axes && t.source == source;
        match self.plan.tensors.iter().position(same) {
            Some(id) => id,
            None => self.tensor("one-hot", source, axes, Interval::new(0, 1), BoundBy::Public),
        }
    }

    /// A cell that entry `entry` of the *next* lookup bounds.
    pub fn cell(&mut self, role: &str, axes: &Space, range: Interval, entry: usize) -> TensorId {
        self.cell_bound_by(role, axes, range, self.plan.lookups.len(), entry)
    }

    pub fn cell_bound_by(
        &mut self,
        role: &str,
        axes: &Space,
        range: Interval,
        lookup: usize,
        entry: usize,
    ) -> TensorId {
        self.tensor(role, Source::Trace, axes, range, BoundBy::Lookup { lookup, entry })
    }

    /// A cell that the next constraint determines.
    pub fn exact_cell(&mut self, role: &str, axes: &Space, range: Interval) -> TensorId {
        let constraint = self.plan.constraints.len();
        self.tensor(role, Source::Trace, axes, range, BoundBy::Exact { constraint })
    }

    /// The expression that is cell `t` everywhere.
    pub fn cells(&self, t: TensorId) -> LinExpr {
        LinExpr::view(View::identity(t, &self.plan.tensors[t].axes))
    }

    /// A table; equal ones are shared. Only for tables that depend on types alone, so that sharing, and with it the cost,
    /// does not depend on parameters.
    pub fn shared_table(&mut self, t: Table) -> TableId {
        self.plan.tables.iter().position(|x| *x == t).unwrap_or_else(|| self.own_table(t))
    }

    /// A table of this op alone.
    pub fn own_table(&mut self, t: Table) -> TableId {
        self.plan.tables.push(t);
        self.plan.tables.len() - 1
    }

    pub fn lookup(&mut self, role: &str, table: TableId, space: &Space, entries: Vec<LinExpr>) -> usize {
        let name = format!("{}/{role}", self.name);
        self.plan.lookups.push(Lookup { name, table, space: space.clone(), entries });
        self.plan.lookups.len() - 1
    }

    /// `0 <= e < 2^s`, where `s` (an expression: it may depend on a cell) never exceeds `max_bits`.
    pub fn in_range_of(&mut self, role: &str, space: &Space, s: LinExpr, max_bits: u32, e: LinExpr) {
        let id = match self.ranges {
            Some(id) => id,
            None => self.own_table(Table::Ranges(Ranges { max_bits: 0 })),
        };
        self.ranges = Some(id);
        if let Table::Ranges(r) = &mut self.plan.tables[id] {
            r.max_bits = r.max_bits.max(max_bits);
        }
        self.lookup(role, id, space, vec![s, e]);
    }

    /// `0 <= e < 2^bits`
    pub fn in_range(&mut self, role: &str, space: &Space, bits: u32, e: LinExpr) {
        self.in_range_of(role, space, LinExpr::constant(bits as i64), bits, e);
    }

    /// `e` in an interval that is no power of two.
    pub fn in_interval(&mut self, role: &str, space: &Space, i: Interval, e: LinExpr) {
        let table = self.shared_table(Table::Span(Span { lo: i.lo as i32, hi: i.hi as i32 }));
        self.lookup(role, table, space, vec![e]);
    }

    /// `lo <= e < lo + 2^bits`
    pub fn in_shifted_range(&mut self, role: &str, space: &Space, lo: i64, bits: u32, e: LinExpr) {
        self.in_range(role, space, bits, e.plus_constant(-lo));
    }

    /// A cell `0 <= x < 2^bits`, `bits <= 16`.
    pub fn range_cell(&mut self, role: &str, space: &Space, bits: u32) -> TensorId {
        let t = self.cell(role, space, Interval::new(0, (1 << bits) - 1), 1);
        self.in_range(role, space, bits, self.cells(t));
        t
    }

    /// A cell in an interval of at most 2^16 integers, or a little more where it is no power of two.
    pub fn interval_cell(&mut self, role: &str, space: &Space, i: Interval) -> TensorId {
        let power = (i.width() + 1).count_ones() == 1;
        let t = self.cell(role, space, i, power as usize);
        match power {
            true => self.in_shifted_range(role, space, i.lo, i.width().count_ones(), self.cells(t)),
            false => self.in_interval(role, space, i, self.cells(t)),
        }
        t
    }

    /// An integer `0 <= x < 2^bits` in one cell or, beyond 16 bits, two: see [`super::limbs`].
    pub fn limb_cells(&mut self, role: &str, space: &Space, bits: u32) -> LinExpr {
        let mut e = LinExpr::default();
        for (i, (low, bits)) in super::limbs(bits).into_iter().enumerate() {
            let t = self.range_cell(&format!("{role}{i}"), space, bits);
            e = e.plus(self.cells(t).scaled(1 << low));
        }
        e
    }

    pub fn constraint(&mut self, role: &str, space: &Space, linear: LinExpr, products: Vec<Product>) {
        let name = format!("{}/{role}", self.name);
        self.plan.constraints.push(Constraint { name, space: space.clone(), linear, products });
    }
}
