//! How often each row of each table is looked up.

use super::kernel::in_parallel;
use super::relation::Cells;
use super::{RunError, Witness};
use crate::plan::{Lookup, Plan, Source, View};
use crate::tables::Table;
use crate::tensor::{Data, IntTensor};
use std::ops::Range;

/// Counts by table; `None` where no row of it was seen.
type Counts = Vec<Option<Vec<u32>>>;

/// Tasks for each thread: lookups differ in what they cost.
const TASKS: usize = 8;

pub(crate) fn count(
    plan: &Plan,
    witness: &Witness,
    weights: &[IntTensor],
) -> Result<Vec<Vec<u32>>, RunError> {
    let bytes: Vec<Option<Bytes>> = plan.lookups.iter().map(|l| Bytes::of(plan, l, weights)).collect();
    let others = plan.lookups.iter().zip(&bytes).filter(|(_, b)| b.is_none()).map(|(l, _)| l);
    let cells = Cells::of_lookups(plan, witness, weights, others);
    let work = plan.n_lookups() as usize;
    // Lookups in their order, in runs of about equal size, each with counts of its own.
    let runs = runs(plan, work.div_ceil(TASKS * threads()).max(1 << 16));
    let found = in_parallel(runs.len(), work, |run| -> Result<Counts, RunError> {
        let mut counts: Counts = vec![None; plan.tables.len()];
        for i in runs[run].clone() {
            let lookup = &plan.lookups[i];
            let table = &plan.tables[lookup.table];
            let counts = counts[lookup.table].get_or_insert_with(|| vec![0; 1 << table.log_rows()]);
            match &bytes[i] {
                Some(bytes) => bytes.count(lookup, table, counts)?,
                None => count_rows(&cells, lookup, counts)?,
            }
        }
        Ok(counts)
    });
    let mut total: Counts = vec![None; plan.tables.len()];
    for counts in found {
        for (total, counts) in total.iter_mut().zip(counts?) {
            match (total.as_mut(), counts) {
                (Some(total), Some(counts)) => total.iter_mut().zip(counts).for_each(|(t, n)| *t += n),
                (None, counts) => *total = counts,
                _ => {}
            }
        }
    }
    let rows = |t: &Table| vec![0; 1 << t.log_rows()];
    Ok(total.into_iter().zip(&plan.tables).map(|(c, t)| c.unwrap_or_else(|| rows(t))).collect())
}

/// Neighbouring lookups that make up at least so many tuples together.
fn runs(plan: &Plan, least: usize) -> Vec<Range<usize>> {
    let (mut runs, mut start, mut filled) = (vec![], 0, 0);
    for (i, l) in plan.lookups.iter().enumerate() {
        filled += l.space.len();
        if filled >= least {
            runs.push(start..i + 1);
            (start, filled) = (i + 1, 0);
        }
    }
    runs.push(start..plan.lookups.len());
    runs
}

fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    return 1;
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

    fn count(&self, l: &Lookup, table: &Table, out: &mut [u32]) -> Result<(), RunError> {
        // Four in turn: equal values in a row would wait for each other.
        let mut counts = [[0u32; 256]; 4];
        for chunk in self.values.chunks(4) {
            chunk.iter().zip(&mut counts).for_each(|(&v, counts)| counts[v as u8 as usize] += 1);
        }
        for v in i8::MIN..=i8::MAX {
            let n: u32 = counts.iter().map(|c| c[v as u8 as usize]).sum();
            if n == 0 {
                continue;
            }
            let mut key: Vec<i64> = l.entries[..table.key_len()].iter().map(|e| e.constant).collect();
            key[self.entry] += v as i64;
            let index = || self.values.iter().position(|x| *x == v).unwrap_or(0);
            out[table.row_of(&key).ok_or_else(|| no_row(l, table, index(), &key))?] += n;
        }
        Ok(())
    }
}

fn no_row(l: &Lookup, table: &Table, index: usize, key: &[i64]) -> RunError {
    let what = format!("{key:?} at index {index} is no row of table `{}`", table.name());
    RunError::Unprovable { name: l.name.clone(), what }
}

/// Counts the row of every tuple, found by the table's formula.
fn count_rows(cells: &Cells, l: &Lookup, counts: &mut [u32]) -> Result<(), RunError> {
    let table: &Table = &cells.plan.tables[l.table];
    let column = |entry: usize| cells.column(&l.entries[entry], &l.space);
    let n = l.space.len();
    let failed = match table.key_len() {
        1 => {
            let x = column(0);
            table.count(n, |i| [x.at(i), 0], counts)
        }
        _ => {
            let (x, y) = (column(0), column(1));
            table.count(n, |i| [x.at(i), y.at(i)], counts)
        }
    };
    match failed {
        None => Ok(()),
        Some(index) => {
            let key: Vec<i64> = (0..table.key_len()).map(|k| column(k).at(index)).collect();
            Err(no_row(l, table, index, &key))
        }
    }
}
