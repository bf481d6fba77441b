//! How often each row of each table is looked up.

use super::KERNELS;
use crate::launch::{grid, launch, Args};
use crate::prover::Entries;
use crate::{CudaError, Device, DeviceCells};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::plan::Plan;
use zkml_ir::tables::RowFormula;

/// `Entry` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct RawEntry {
    pub data: u64,
    pub width: u64,
    pub constant: i64,
}

/// `Rows` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawRows {
    kind: u64,
    a: i64,
    b: i64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawEntry {}
// SAFETY: as above.
unsafe impl DeviceRepr for RawRows {}

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
    for (l, lookup) in plan.lookups.iter().enumerate() {
        let (table, n) = (&plan.tables[lookup.table], lookup.space.len());
        let key = |k: usize| match k < table.key_len() {
            true => entries.raw(device, plan, l, k, &cells),
            false => RawEntry::default(),
        };
        let formula = match formulas[lookup.table] {
            RowFormula::Shift { lo, hi } => RawRows { kind: 0, a: lo, b: hi },
            RowFormula::Ranges { max_bits } => RawRows { kind: 1, a: max_bits.into(), b: 0 },
            RowFormula::Digits { most, bits } => RawRows { kind: 2, a: most, b: bits.into() },
            RowFormula::Rsqrt => RawRows { kind: 3, a: 0, b: 0 },
        };
        let args = Args::new().with(key(0)).with(key(1)).with(formula).with(n as u64);
        let args = args.buffer(device, &counts[lookup.table]).buffer(device, failed);
        // SAFETY: the kernel's arguments; entries have n values, and a formula's rows are those of its table.
        unsafe { launch(device, KERNELS, "count_rows", grid(n), args) }?;
    }
    Ok(Some(counts))
}
