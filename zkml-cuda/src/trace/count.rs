//! How often each row of each table is looked up.

use super::KERNELS;
use crate::blocks::{Blocks, Work};
use crate::launch::{address, launch, Grid, THREADS};
use crate::prover::Entries;
use crate::{CudaError, Device, DeviceCells};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::plan::{Lookup, Plan};
use zkml_ir::tables::RowFormula;

/// `Entry` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct RawEntry {
    pub data: u64,
    pub width: u64,
    pub constant: i64,
}

/// `Counted` of the kernels: a lookup.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawCounted {
    key: [RawEntry; 2],
    kind: u64,
    a: i64,
    b: i64,
    len: u64,
    counts: u64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawEntry {}
// SAFETY: as above.
unsafe impl DeviceRepr for RawCounted {}

impl Blocks for RawCounted {}

/// Counts, by table. A tuple that is no row counts as a failure. `None` where a table's rows are found by no formula.
pub(crate) fn count<'c>(
    device: &Device,
    plan: &Plan,
    entries: &Entries,
    cells: impl Fn(usize) -> &'c DeviceCells,
    failed: &CudaSlice<u32>,
) -> Result<Option<Vec<CudaSlice<u32>>>, CudaError> {
    let Some(formulas) = plan.tables.iter().map(|t| t.rows()).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let rows = |t: &zkml_ir::tables::Table| device.zeros::<u32>("multiplicities", 1 << t.log_rows());
    let counts = plan.tables.iter().map(rows).collect::<Result<Vec<_>, _>>()?;
    let lookup = |(l, lookup): (usize, &Lookup)| {
        let table = &plan.tables[lookup.table];
        let key = |k: usize| match k < table.key_len() {
            true => entries.raw(device, plan, l, k, &cells),
            false => RawEntry::default(),
        };
        let (kind, a, b) = match formulas[lookup.table] {
            RowFormula::Shift { lo, hi } => (0, lo, hi),
            RowFormula::Ranges { max_bits } => (1, max_bits.into(), 0),
            RowFormula::Digits { most, bits } => (2, most, bits.into()),
            RowFormula::Rsqrt => (3, 0, 0),
        };
        let (len, counts) = (lookup.space.len() as u64, address(device, &counts[lookup.table]));
        RawCounted { key: [key(0), key(1)], kind, a, b, len, counts }
    };
    let lookups: Vec<RawCounted> = plan.lookups.iter().enumerate().map(lookup).collect();
    if !lookups.is_empty() {
        let jobs = Work::new(device, &lookups, |l| (l.len as usize).div_ceil(THREADS))?;
        let args = jobs.args(device).buffer(device, failed);
        // SAFETY: the kernel's arguments; entries have as many values, and a formula's rows are those of its table.
        unsafe { launch(device, KERNELS, "count_rows", Grid::blocks(jobs.blocks), args) }?;
    }
    Ok(Some(counts))
}
