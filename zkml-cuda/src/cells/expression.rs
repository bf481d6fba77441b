//! Linear expressions of tensors.

use super::{DeviceCells, KERNELS};
use crate::launch::{grid, launch, Args};
use crate::loops::{at_most, combinations, RawLoop};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::plan::{LinExpr, Space, Term};
use zkml_runtime::cells::{Step, TermLoops};

const MAX_LOOPS: usize = 16;

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
    out: u64,
    cells: u64,
    width: u64,
    coef: i64,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawTerm {}

/// Values of an expression for every cell of `space`, in slab order, as words of the base field: [`zkml_runtime::cells::materialise`].
///
/// `stored` and `cells` are those of the plan's tensors. Time: eight bytes are written and read for a cell of each term.
pub fn materialise<'a>(
    device: &Device,
    expr: &LinExpr,
    space: &Space,
    stored: impl Fn(usize) -> &'a Space,
    cells: impl Fn(usize) -> &'a DeviceCells,
) -> Result<CudaSlice<u32>, CudaError> {
    let n = space.len();
    // SAFETY: each is written whole before it is read.
    let (integers, words) = unsafe {
        (device.alloc::<i64>("integers of an expression", n)?, device.alloc::<u32>("an expression", n)?)
    };
    let fill = Args::new().with(expr.constant).buffer(device, &integers).with(n as u64);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, KERNELS, "fill_integers", grid(n), fill) }?;
    for term in &expr.terms {
        let tensor = term.view.tensor;
        let (at, width) = cells(tensor).raw(device);
        let raw = RawTerm { cells: at, width, ..loops(term, space, stored(tensor))? };
        let args = Args::new().with(raw).buffer(device, &integers);
        // SAFETY: the kernel's arguments; loops stay within the spaces that they are of.
        unsafe { launch(device, KERNELS, "add_term", grid(raw.kept_len as usize), args) }?;
    }
    let reduce = Args::new().buffer(device, &integers).buffer(device, &words).with(n as u64);
    // SAFETY: the kernel's arguments.
    unsafe { launch(device, KERNELS, "to_words", grid(n), reduce) }?;
    Ok(words)
}

fn loops(term: &Term, space: &Space, stored: &Space) -> Result<RawTerm, CudaError> {
    let TermLoops { steps, base, out, coef } = TermLoops::new(term, space, stored);
    let loops = steps.iter().filter(|s| s.extent > 1);
    let (kept, summed): (Vec<Step>, Vec<Step>) = loops.partition(|s| s.out > 0);
    let got = kept.len() + summed.len();
    at_most(MAX_LOOPS, got)?;
    let mut raw = RawTerm { base: base as u64, out: out as u64, coef, ..RawTerm::default() };
    for (to, s) in raw.loops.iter_mut().zip(kept.iter().chain(&summed)) {
        *to = RawLoop::new(s.extent, s.stride, s.out, 0);
    }
    (raw.n_kept, raw.n_loops) = (kept.len() as u64, got as u64);
    raw.kept_len = combinations(&raw.loops[..kept.len()]);
    raw.summed_len = combinations(&raw.loops[kept.len()..got]);
    Ok(raw)
}
