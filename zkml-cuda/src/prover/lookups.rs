//! What is looked up, on the device: values of every lookup's entries as blocks of leaves.

use super::DeviceProver;
use crate::cells::Expressions;
use crate::gkr::{Block, TableBlock};
use crate::launch::address;
use crate::trace::RawEntry;
use crate::{Column, CudaError, Device, DeviceCells};
use cudarc::driver::{CudaSlice, CudaView};
use zkml_ir::plan::{LinExpr, Lookup, Plan};
use zkml_runtime::claims::embed;
use zkml_runtime::field::F;
use zkml_runtime::protocol::{lookup_blocks, stored_entry, table_order, Fingerprint};

/// An entry of a lookup, in the order of its leaves.
enum Entry {
    Constant,
    /// Its words, from this place on.
    Words(usize),
    /// A constant more than the bytes of this tensor, as they are stored.
    Bytes(usize),
}

/// The entries of all lookups.
pub(crate) struct Entries {
    by_lookup: Vec<Vec<Entry>>,
    words: CudaSlice<u32>,
}

impl Entries {
    pub fn new<'c>(
        device: &Device,
        plan: &'c Plan,
        cells: impl Fn(usize) -> &'c DeviceCells,
    ) -> Result<Self, CudaError> {
        let mut len = 0;
        let mut entry =
            |lookup: &Lookup, expr: &LinExpr| match (&expr.terms[..], stored_entry(plan, lookup, expr)) {
                ([], _) => Entry::Constant,
                (_, Some(t)) if matches!(cells(t), DeviceCells::I8(_)) => Entry::Bytes(t),
                _ => {
                    len += lookup.space.len();
                    Entry::Words(len - lookup.space.len())
                }
            };
        let of_lookup = |l: &Lookup| l.entries.iter().map(|e| entry(l, e)).collect();
        let by_lookup: Vec<Vec<Entry>> = plan.lookups.iter().map(of_lookup).collect();
        // SAFETY: the expressions write all of it.
        let words = unsafe { device.alloc::<u32>("entries of lookups", len) }?;
        let (first, mut all) = (address(device, &words), Expressions::default());
        for (lookup, entries) in plan.lookups.iter().zip(&by_lookup) {
            for (expr, entry) in lookup.entries.iter().zip(entries) {
                if let Entry::Words(at) = entry {
                    let to = first + (at * size_of::<u32>()) as u64;
                    all.add(device, expr, &lookup.space, to, |t| &plan.tensors[t].axes, &cells)?;
                }
            }
        }
        // SAFETY: each has its own part of the words, as long as its space.
        unsafe { all.run(device) }?;
        Ok(Self { by_lookup, words })
    }

    /// An entry as the kernels read it, its constant included.
    pub fn raw<'c>(
        &self,
        device: &Device,
        plan: &Plan,
        lookup: usize,
        entry: usize,
        cells: impl Fn(usize) -> &'c DeviceCells,
    ) -> RawEntry {
        let constant = plan.lookups[lookup].entries[entry].constant;
        match self.by_lookup[lookup][entry] {
            Entry::Constant => RawEntry { constant, ..RawEntry::default() },
            // The constant is in the words.
            Entry::Words(at) => {
                let data = address(device, &self.words) + (at * size_of::<u32>()) as u64;
                RawEntry { data, width: 4, constant: 0 }
            }
            Entry::Bytes(t) => RawEntry { data: cells(t).raw(device).0, width: 1, constant },
        }
    }
}

/// A part of an entry, or of a table.
enum View<'a> {
    Words(CudaView<'a, u32>),
    Bytes(CudaView<'a, i8>),
}

impl View<'_> {
    fn column(&self) -> Column<'_> {
        match self {
            Self::Words(v) => Column::Words(v),
            Self::Bytes(v) => Column::Bytes(v),
        }
    }
}

/// Leaves whose columns are held here, for [`Block`] to point to.
pub(super) struct Leaves<'a> {
    log_len: u32,
    constant: F,
    columns: Vec<(F, View<'a>)>,
}

impl Leaves<'_> {
    pub fn block(&self) -> Block<'_> {
        let columns = self.columns.iter().map(|(weight, view)| (*weight, view.column())).collect();
        Block { log_len: self.log_len, constant: self.constant, columns }
    }
}

/// A block for each slab of each lookup's space.
pub(super) fn lookups<'e>(
    plan: &Plan,
    prints: &Fingerprint,
    entries: &'e Entries,
    cells: impl Fn(usize) -> &'e DeviceCells,
) -> Vec<Leaves<'e>> {
    let leaves = |b: zkml_runtime::protocol::LookupBlock| {
        let lookup = &plan.lookups[b.lookup];
        let range = b.slab << b.log_len..(b.slab + 1) << b.log_len;
        let mut constant = prints.constant(lookup.table);
        let mut columns = vec![];
        for (j, (expr, entry)) in lookup.entries.iter().zip(&entries.by_lookup[b.lookup]).enumerate() {
            let weight = prints.weight(j);
            match entry {
                // The constant is in the words.
                Entry::Words(at) => {
                    let words = entries.words.slice(at + range.start..at + range.end);
                    columns.push((weight, View::Words(words)));
                }
                Entry::Constant => constant -= weight * embed(expr.constant),
                Entry::Bytes(t) => {
                    let DeviceCells::I8(bytes) = cells(*t) else { unreachable!("bytes") };
                    constant -= weight * embed(expr.constant);
                    columns.push((weight, View::Bytes(bytes.slice(range.clone()))));
                }
            }
        }
        Leaves { log_len: b.log_len, constant, columns }
    };
    lookup_blocks(plan).into_iter().map(leaves).collect()
}

/// A block for each table, and its multiplicities.
pub(super) fn tables<'a>(
    prover: &'a DeviceProver,
    prints: &Fingerprint,
    multiplicities: &'a [CudaSlice<u32>],
) -> Vec<(Leaves<'a>, CudaView<'a, u32>)> {
    let plan = prover.system.plan();
    let block = |t: usize| {
        let columns = prover.tables[t].iter().enumerate();
        let columns = columns.map(|(j, c)| (prints.weight(j), View::Words(c.as_view()))).collect();
        let leaves = Leaves { log_len: plan.tables[t].log_rows(), constant: prints.constant(t), columns };
        (leaves, multiplicities[t].as_view())
    };
    table_order(plan).into_iter().map(block).collect()
}

/// As blocks of the table tree.
pub(super) fn table_blocks<'b>(tables: &'b [(Leaves<'_>, CudaView<'_, u32>)]) -> Vec<TableBlock<'b>> {
    tables.iter().map(|(leaves, m)| TableBlock { leaves: leaves.block(), multiplicity: m }).collect()
}
