//! How often each row of each table is looked up.

use super::kernel::in_parallel;
use super::relation::Cells;
use super::{RunError, Witness};
use crate::plan::{Lookup, Plan, Source, View};
use crate::tables::Table;
use crate::tensor::{Data, IntTensor};

/// What a lookup adds to its table's counts.
enum Found {
    /// The row of every tuple.
    Rows(Vec<u32>),
    /// Rows, and how often each.
    Counts(Vec<(u32, u32)>),
}

pub(crate) fn count(
    plan: &Plan,
    witness: &Witness,
    weights: &[IntTensor],
) -> Result<Vec<Vec<u32>>, RunError> {
    let bytes: Vec<Option<Bytes>> = plan.lookups.iter().map(|l| Bytes::of(plan, l, weights)).collect();
    let others = plan.lookups.iter().zip(&bytes).filter(|(_, b)| b.is_none()).map(|(l, _)| l);
    let cells = Cells::of_lookups(plan, witness, weights, others);
    let work = plan.n_lookups() as usize;
    let found = in_parallel(plan.lookups.len(), work, |i| match &bytes[i] {
        Some(bytes) => bytes.counts(&plan.lookups[i], &plan.tables[plan.lookups[i].table]).map(Found::Counts),
        None => rows(&cells, &plan.lookups[i]).map(Found::Rows),
    });
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(in_parallel(plan.tables.len(), work, |t| {
        let mut counts = vec![0u32; 1 << plan.tables[t].log_rows()];
        for (_, found) in plan.lookups.iter().zip(&found).filter(|(l, _)| l.table == t) {
            match found {
                Found::Rows(rows) => rows.iter().for_each(|&r| counts[r as usize] += 1),
                Found::Counts(rows) => rows.iter().for_each(|&(r, n)| counts[r as usize] += n),
            }
        }
        counts
    }))
}

/// A lookup of a weight stored in bytes, its other entries constant: what a certificate is made of. It has 256 tuples at
/// most, so they are counted by value.
struct Bytes<'a> {
    values: &'a [i8],
    /// Which entry reads them.
    entry: usize,
}

impl<'a> Bytes<'a> {
    fn of(plan: &Plan, l: &Lookup, weights: &'a [IntTensor]) -> Option<Self> {
        let keys = &l.entries[..plan.tables[l.table].key_len()];
        let entry = keys.iter().position(|e| !e.terms.is_empty())?;
        let [term] = &keys[entry].terms[..] else { return None };
        let tensor = &plan.tensors[term.view.tensor];
        let Source::Weight(w) = tensor.source else { return None };
        let Data::I8(values) = weights.get(w)?.data() else { return None };
        let alone = keys.iter().enumerate().all(|(i, e)| i == entry || e.terms.is_empty());
        let whole = term.view == View::identity(term.view.tensor, &l.space) && tensor.axes == l.space;
        let as_it_is = term.coef == 1 && term.summed.is_empty() && values.len() == l.space.len();
        (alone && whole && as_it_is).then_some(Self { values, entry })
    }

    fn counts(&self, l: &Lookup, table: &Table) -> Result<Vec<(u32, u32)>, RunError> {
        // Four in turn: equal values in a row would wait for each other.
        let mut counts = [[0u32; 256]; 4];
        for chunk in self.values.chunks(4) {
            chunk.iter().zip(&mut counts).for_each(|(&v, counts)| counts[v as u8 as usize] += 1);
        }
        let total = |v: i8| counts.iter().map(|c| c[v as u8 as usize]).sum::<u32>();
        let present = (i8::MIN..=i8::MAX).map(|v| (v, total(v))).filter(|(_, n)| *n > 0);
        let row = |(v, n): (i8, u32)| {
            let mut key: Vec<i64> = l.entries[..table.key_len()].iter().map(|e| e.constant).collect();
            key[self.entry] += v as i64;
            let index = || self.values.iter().position(|x| *x == v).unwrap_or(0);
            let row = table.row_of(&key).ok_or_else(|| no_row(l, table, index(), &key))?;
            Ok((row as u32, n))
        };
        present.map(row).collect()
    }
}

fn no_row(l: &Lookup, table: &Table, index: usize, key: &[i64]) -> RunError {
    let what = format!("{key:?} at index {index} is no row of table `{}`", table.name());
    RunError::Unprovable { name: l.name.clone(), what }
}

/// The row of every tuple, by the table's formula.
fn rows(cells: &Cells, l: &Lookup) -> Result<Vec<u32>, RunError> {
    let table: &Table = &cells.plan.tables[l.table];
    let row = |(i, key): (usize, &[i64])| {
        table.row_of(key).map(|r| r as u32).ok_or_else(|| no_row(l, table, i, key))
    };
    let first = cells.eval(&l.entries[0], &l.space);
    if table.key_len() == 1 {
        return first.iter().enumerate().map(|(i, x)| row((i, &[*x]))).collect();
    }
    let second = cells.eval(&l.entries[1], &l.space);
    first.iter().zip(&second).enumerate().map(|(i, (x, y))| row((i, &[*x, *y]))).collect()
}
