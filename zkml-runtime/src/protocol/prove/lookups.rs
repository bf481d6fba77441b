//! What is looked up, in memory: values of every lookup's entries as blocks of leaves.

use super::columns::Values;
use crate::cells::{materialise_into, Cells};
use crate::claims::embed;
use crate::field::pool::zeroed;
use crate::field::BaseField;
use crate::gkr::{LeafBlock, TableBlock};
use crate::protocol::lookups::{lookup_blocks, table_order, LookupBlock};
use crate::protocol::{Fingerprint, System};
use rayon::prelude::*;
use zkml_ir::elem::P;
use zkml_ir::plan::{LinExpr, Lookup, Plan, View};

/// Values of every lookup's entries, in the order of its leaves.
pub(super) struct LookupColumns<'a> {
    entries: Vec<Vec<Entry<'a>>>,
    /// All words in one piece.
    words: Vec<BaseField>,
}

enum Entry<'a> {
    Constant,
    /// From this place on.
    Words(usize),
    /// Bytes as they are stored: a certificate looks up hundreds of millions of them.
    Bytes(&'a [i8]),
}

impl<'a> LookupColumns<'a> {
    pub fn new(plan: &'a Plan, cells: impl Fn(usize) -> &'a Cells + Sync) -> Self {
        // What is read where it is, and where the others go.
        let mut len = 0;
        let mut entry = |lookup: &'a Lookup, expr: &'a LinExpr| match (
            &expr.terms[..],
            stored_bytes(plan, lookup, expr, &cells),
        ) {
            ([], _) => Entry::Constant,
            (_, Some(bytes)) => Entry::Bytes(bytes),
            _ => {
                len += lookup.space.len();
                Entry::Words(len - lookup.space.len())
            }
        };
        let entries: Vec<Vec<Entry<'a>>> =
            plan.lookups.iter().map(|l| l.entries.iter().map(|e| entry(l, e)).collect()).collect();
        let mut words = zeroed::<BaseField>(len);
        let mut rest = &mut words[..];
        let mut tasks = vec![];
        for (lookup, entries) in plan.lookups.iter().zip(&entries) {
            for (expr, entry) in lookup.entries.iter().zip(entries) {
                if let Entry::Words(_) = entry {
                    let (out, left) = std::mem::take(&mut rest).split_at_mut(lookup.space.len());
                    rest = left;
                    tasks.push((lookup, expr, out));
                }
            }
        }
        tasks.into_par_iter().for_each_init(Vec::new, |scratch, (lookup, expr, out)| {
            fill_words(plan, lookup, expr, &cells, scratch, out);
        });
        Self { entries, words }
    }

    pub fn blocks<'s>(&'s self, plan: &Plan, prints: &Fingerprint) -> Vec<LeafBlock<'s>> {
        let block = |b: &LookupBlock| {
            let lookup = &plan.lookups[b.lookup];
            let range = b.slab << b.log_len..(b.slab + 1) << b.log_len;
            let mut constant = prints.constant(lookup.table);
            let (mut columns, mut bytes) = (vec![], vec![]);
            for (j, (expr, values)) in lookup.entries.iter().zip(&self.entries[b.lookup]).enumerate() {
                match values {
                    Entry::Words(at) => {
                        columns.push((prints.weight(j), &self.words[*at..][range.clone()]));
                    }
                    Entry::Constant => constant -= prints.weight(j) * embed(expr.constant),
                    Entry::Bytes(v) => {
                        constant -= prints.weight(j) * embed(expr.constant);
                        bytes.push((prints.weight(j), &v[range.clone()]));
                    }
                }
            }
            LeafBlock { log_len: b.log_len, constant, columns, bytes }
        };
        lookup_blocks(plan).iter().map(block).collect()
    }
}

/// The tensor whose own cells an entry is, plus a constant, in the order of the leaves.
pub fn stored_entry(plan: &Plan, lookup: &Lookup, expr: &LinExpr) -> Option<usize> {
    let [term] = &expr.terms[..] else { return None };
    let axes = &plan.tensors[term.view.tensor].axes;
    let whole = term.view == View::identity(term.view.tensor, axes) && *axes == lookup.space;
    (term.coef == 1 && term.summed.is_empty() && whole).then_some(term.view.tensor)
}

fn stored_bytes<'a>(
    plan: &Plan,
    lookup: &Lookup,
    expr: &LinExpr,
    cells: impl Fn(usize) -> &'a Cells,
) -> Option<&'a [i8]> {
    match cells(stored_entry(plan, lookup, expr)?) {
        Cells::I8(bytes) => Some(bytes),
        Cells::I32(_) => None,
    }
}

fn fill_words<'a>(
    plan: &'a Plan,
    lookup: &Lookup,
    expr: &LinExpr,
    cells: impl Fn(usize) -> &'a Cells,
    scratch: &mut Vec<i64>,
    out: &mut [BaseField],
) {
    if let (Some(stored), 0) = (stored_entry(plan, lookup, expr), expr.constant) {
        return Values::Cells(cells(stored)).copy(0, out);
    }
    materialise_into(scratch, expr, &lookup.space, |t| &plan.tensors[t].axes, &cells);
    let word = |v: i64| BaseField::from_u32_unchecked(v.rem_euclid(P) as u32);
    out.iter_mut().zip(scratch).for_each(|(out, v)| *out = word(*v));
}

pub(super) fn table_blocks<'s>(
    system: &'s System,
    prints: &Fingerprint,
    multiplicities: &'s [Vec<BaseField>],
) -> Vec<TableBlock<'s>> {
    let plan = system.plan();
    let block = |t: usize| {
        let columns = system.tables[t].columns.iter().enumerate();
        let columns = columns.map(|(j, c)| (prints.weight(j), &c[..])).collect();
        let (log_len, constant) = (plan.tables[t].log_rows(), prints.constant(t));
        let leaves = LeafBlock { log_len, constant, columns, bytes: vec![] };
        TableBlock { leaves, multiplicity: &multiplicities[t] }
    };
    table_order(plan).into_iter().map(block).collect()
}
