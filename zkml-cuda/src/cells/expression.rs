//! Linear expressions of tensors: many of them in a few launches.

use super::{DeviceCells, KERNELS};
use crate::blocks::{push_in_round, Blocks, Work};
use crate::launch::{address, launch, Grid, THREADS};
use crate::loops::{at_most, combinations, joined, RawLoop};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::elem::P;
use zkml_ir::plan::{LinExpr, Space, Term};
use zkml_runtime::cells::{Step, TermLoops};

const MAX_LOOPS: usize = 16;
/// Words that a block of threads fills, `FILL` of the kernels for each.
const FILL: usize = 16 * THREADS;

/// `Term` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct RawTerm {
    loops: [RawLoop; MAX_LOOPS],
    n_kept: u64,
    n_loops: u64,
    kept_len: u64,
    summed_len: u64,
    base: u64,
    words: u64,
    out: u64,
    cells: u64,
    width: u64,
    coef: i64,
}

/// `Fill` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawFill {
    words: u64,
    len: u64,
    value: u64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawTerm {}
// SAFETY: as above.
unsafe impl DeviceRepr for RawFill {}

impl Blocks for RawTerm {}
impl Blocks for RawFill {}

/// Expressions to be computed.
#[derive(Default)]
pub struct Expressions {
    fills: Vec<RawFill>,
    /// By their place in an expression: terms of different ones are added one after the other.
    rounds: Vec<Vec<RawTerm>>,
}

impl Expressions {
    /// The values of `expr` for every cell of `space`, in slab order, as words of the base field, go to this address
    /// ([`zkml_runtime::cells::materialise`]). `stored` and `cells` are those of the plan's tensors.
    pub fn add<'a>(
        &mut self,
        device: &Device,
        expr: &LinExpr,
        space: &Space,
        words: u64,
        stored: impl Fn(usize) -> &'a Space,
        cells: impl Fn(usize) -> &'a DeviceCells,
    ) -> Result<(), CudaError> {
        let value = expr.constant.rem_euclid(P) as u64;
        self.fills.push(RawFill { words, len: space.len() as u64, value });
        for (round, term) in expr.terms.iter().enumerate() {
            let tensor = term.view.tensor;
            let (cells, width) = cells(tensor).raw(device);
            let raw = RawTerm { cells, width, words, ..loops(term, space, stored(tensor))? };
            push_in_round(&mut self.rounds, round, raw);
        }
        Ok(())
    }

    /// Computes them. Time: a word is written for a cell, and read and written for a cell of each term.
    ///
    /// # Safety
    /// Every address has room for as many words as its space has cells, and no two overlap.
    pub unsafe fn run(self, device: &Device) -> Result<(), CudaError> {
        if self.fills.is_empty() {
            return Ok(());
        }
        let jobs = Work::new(device, &self.fills, |f| (f.len as usize).div_ceil(FILL))?;
        // SAFETY: the kernel's arguments, and the caller's.
        unsafe { launch(device, KERNELS, "fill_words", Grid::blocks(jobs.blocks), jobs.args(device)) }?;
        for round in &self.rounds {
            let jobs = Work::new(device, round, |t| (t.kept_len as usize).div_ceil(THREADS))?;
            // SAFETY: the kernel's arguments, and the caller's; loops stay within the spaces that they are of.
            unsafe { launch(device, KERNELS, "add_terms", Grid::blocks(jobs.blocks), jobs.args(device)) }?;
        }
        Ok(())
    }
}

/// One expression alone.
pub fn materialise<'a>(
    device: &Device,
    expr: &LinExpr,
    space: &Space,
    stored: impl Fn(usize) -> &'a Space,
    cells: impl Fn(usize) -> &'a DeviceCells,
) -> Result<CudaSlice<u32>, CudaError> {
    // SAFETY: the kernels write all of it.
    let words = unsafe { device.alloc::<u32>("an expression", space.len())? };
    let mut all = Expressions::default();
    all.add(device, expr, space, address(device, &words), stored, cells)?;
    // SAFETY: it has room for the cells of the space.
    unsafe { all.run(device) }?;
    Ok(words)
}

fn loops(term: &Term, space: &Space, stored: &Space) -> Result<RawTerm, CudaError> {
    let TermLoops { steps, base, out, coef } = TermLoops::new(term, space, stored);
    let (kept, summed): (Vec<Step>, Vec<Step>) = steps.iter().partition(|s| s.out > 0);
    let raw = |s: &Step| RawLoop::new(s.extent, s.stride, s.out, 0);
    let (kept, summed) = (joined(kept.iter().map(raw)), joined(summed.iter().map(raw)));
    let got = kept.len() + summed.len();
    at_most(MAX_LOOPS, got)?;
    let mut raw = RawTerm { base: base as u64, out: out as u64, coef, ..RawTerm::default() };
    raw.loops[..kept.len()].copy_from_slice(&kept);
    raw.loops[kept.len()..got].copy_from_slice(&summed);
    (raw.n_kept, raw.n_loops) = (kept.len() as u64, got as u64);
    (raw.kept_len, raw.summed_len) = (combinations(&kept), combinations(&summed));
    Ok(raw)
}
