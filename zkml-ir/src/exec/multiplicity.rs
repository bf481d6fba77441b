//! How often each row of each table is looked up.

use super::kernel::in_parallel;
use super::relation::Cells;
use super::{RunError, Witness};
use crate::plan::{Lookup, Plan};
use crate::tables::Table;
use crate::tensor::IntTensor;

pub(crate) fn count(
    plan: &Plan,
    witness: &Witness,
    weights: &[IntTensor],
) -> Result<Vec<Vec<u32>>, RunError> {
    let cells = Cells::of_lookups(plan, witness, weights);
    let work = plan.n_lookups() as usize;
    let found = in_parallel(plan.lookups.len(), work, |i| rows(&cells, &plan.lookups[i]));
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(in_parallel(plan.tables.len(), work, |t| {
        let mut counts = vec![0u32; 1 << plan.tables[t].log_rows()];
        for (lookup, rows) in plan.lookups.iter().zip(&found).filter(|(l, _)| l.table == t) {
            debug_assert_eq!(rows.len(), lookup.space.len());
            rows.iter().for_each(|&r| counts[r as usize] += 1);
        }
        counts
    }))
}

/// The row of every tuple, by the table's formula.
fn rows(cells: &Cells, l: &Lookup) -> Result<Vec<u32>, RunError> {
    let table: &Table = &cells.plan.tables[l.table];
    let fail = |index: usize, key: &[i64]| RunError::Unprovable {
        name: l.name.clone(),
        what: format!("{key:?} at index {index} is no row of table `{}`", table.name()),
    };
    let row = |(i, key): (usize, &[i64])| table.row_of(key).map(|r| r as u32).ok_or_else(|| fail(i, key));
    let first = cells.eval(&l.entries[0], &l.space);
    if table.key_len() == 1 {
        return first.iter().enumerate().map(|(i, x)| row((i, &[*x]))).collect();
    }
    let second = cells.eval(&l.entries[1], &l.space);
    first.iter().zip(&second).enumerate().map(|(i, (x, y))| row((i, &[*x, *y]))).collect()
}
