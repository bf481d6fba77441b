//! Linear expressions of tensors.

use super::{DeviceCells, KERNELS};
use crate::launch::{grid, launch, Args};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::plan::{LinExpr, Space, Term};
use zkml_runtime::cells::{Loop, Loops};

const MAX_LOOPS: usize = 16;

/// `Loop` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct RawLoop {
    extent: u64,
    stride: u64,
    step: u64,
}

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
    let full = space.and(&term.summed);
    let mut loops = Loops::new(&term.view, stored, full.axes());
    // A broadcast axis of the space repeats the cell, digit by digit; a broadcast summed axis multiplies it.
    let mut coef = term.coef;
    for (axis, a) in full.axes().iter().enumerate().filter(|(axis, _)| loops.broadcast[*axis]) {
        match axis < space.axes().len() {
            true => {
                loops.loops.push(Loop { extent: a.odd as usize, stride: 0, axis, index: 1 << a.bits });
                loops.loops.push(Loop { extent: 1 << a.bits, stride: 0, axis, index: 1 });
            }
            false => coef *= a.extent() as i64,
        }
    }
    // Where a position of an axis lies in the output. Digits do not carry into each other, so a loop has one step.
    let (strides, offsets) = (space.slab_strides(), space.bit_offsets());
    let slab_bits = space.slab_bits();
    let place = |axis: usize, i: usize| match space.axes().get(axis) {
        None => 0,
        Some(a) => {
            ((strides[axis] as usize * (i >> a.bits)) << slab_bits)
                + ((i & ((1 << a.bits) - 1)) << offsets[axis])
        }
    };
    let out: usize = loops.start.iter().enumerate().map(|(axis, &i)| place(axis, i)).sum();
    let (kept, summed): (Vec<Loop>, Vec<Loop>) =
        loops.loops.iter().filter(|l| l.extent > 1).partition(|l| l.axis < space.axes().len());
    let got = kept.len() + summed.len();
    if got > MAX_LOOPS {
        return Err(CudaError::Loops { most: MAX_LOOPS, got });
    }
    let mut raw = RawTerm { base: loops.base as u64, out: out as u64, coef, ..RawTerm::default() };
    for (to, l) in raw.loops.iter_mut().zip(kept.iter().chain(&summed)) {
        let step = place(l.axis, l.index) as u64;
        *to = RawLoop { extent: l.extent as u64, stride: l.stride as u64, step };
    }
    (raw.n_kept, raw.n_loops) = (kept.len() as u64, got as u64);
    raw.kept_len = kept.iter().map(|l| l.extent as u64).product();
    raw.summed_len = summed.iter().map(|l| l.extent as u64).product();
    Ok(raw)
}
