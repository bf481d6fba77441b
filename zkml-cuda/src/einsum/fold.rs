//! A factor folded over its own output axes, from cells on the device.

use super::FOLD;
use crate::cells::DeviceCells;
use crate::felt::{felts, Felt};
use crate::launch::{address, grid, launch, Args, Grid};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use num_traits::One;
use zkml_ir::plan::{LinExpr, Space};
use zkml_runtime::claims::embed;
use zkml_runtime::einsum::{ones, Folding, Nest, Role, Step, Weights};
use zkml_runtime::field::F;

const MAX_LOOPS: usize = 12;
const MAX_WEIGHTS: usize = 6;
/// Threads that keep the card busy: a fold with fewer outputs is cut into shares.
const BUSY: usize = 1 << 17;
/// Cells that are worth a share.
const LEAST_SHARE: usize = 64;

/// `Loop` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct RawLoop {
    extent: u64,
    stride: u64,
    step: u64,
    slot: u64,
}

/// `Nest` of the kernels.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct RawNest {
    kept: [RawLoop; MAX_LOOPS],
    folded: [RawLoop; MAX_LOOPS],
    weights: [u64; MAX_WEIGHTS],
    start: [u64; MAX_WEIGHTS],
    n_kept: u64,
    n_folded: u64,
    n_weights: u64,
    kept_len: u64,
    folded_len: u64,
    base: u64,
    out: u64,
    cells: u64,
    width: u64,
    scale: Felt,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawNest {}

/// Adds `expr`, folded, to the operand at this address, which holds `folding.len` elements. `stored` and `cells` are those of the
/// plan's tensors.
pub(super) fn add<'a>(
    device: &Device,
    expr: &LinExpr,
    folding: &Folding,
    out: u64,
    stored: impl Fn(usize) -> &'a Space,
    cells: impl Fn(usize) -> &'a DeviceCells,
) -> Result<(), CudaError> {
    if expr.constant != 0 {
        add_constant(device, embed(expr.constant), folding, out)?;
    }
    for term in &expr.terms {
        let (ones, tensor) = (ones(term), term.view.tensor);
        let nest = Nest::new(term, &folding.axes, &folding.roles, &ones, stored(tensor));
        let (at, width) = cells(tensor).raw(device);
        let (kept, folded): (Vec<Step>, Vec<Step>) = nest.steps.iter().partition(|s| s.weight.is_none());
        let mut raw = RawNest { cells: at, width, base: nest.base as u64, ..loops(&kept, &folded)? };
        raw.out = nest.out as u64;
        raw.scale = nest.scale.into();
        let mut tables = vec![];
        for (k, (weights, &start)) in nest.weights.iter().zip(&nest.start).enumerate() {
            too_many(k + 1, MAX_WEIGHTS)?;
            tables.push(device.upload("weights of an axis", &felts(weights.values()))?);
            raw.weights[k] = address(device, &tables[k]);
            raw.start[k] = start as u64;
        }
        raw.n_weights = nest.weights.len() as u64;
        run(device, raw, out)?;
    }
    Ok(())
}

/// A constant at every kept position, times the sums of the folded weights.
fn add_constant(device: &Device, value: F, folding: &Folding, out: u64) -> Result<(), CudaError> {
    let sum = |w: &Weights| w.values().iter().fold(F::default(), |s, &v| s + v);
    let (mut kept, mut scale) = (vec![], value);
    for (axis, role) in folding.axes.iter().zip(&folding.roles) {
        match role {
            Role::Kept { stride } => {
                kept.push(Step { extent: axis.extent(), stride: 0, out: *stride, weight: None });
            }
            Role::Folded(w) => scale *= sum(w),
        }
    }
    run(device, RawNest { scale: scale.into(), ..loops(&kept, &[])? }, out)
}

fn too_many(got: usize, most: usize) -> Result<(), CudaError> {
    match got > most {
        true => Err(CudaError::Loops { most, got }),
        false => Ok(()),
    }
}

fn loops(kept: &[Step], folded: &[Step]) -> Result<RawNest, CudaError> {
    too_many(kept.len().max(folded.len()), MAX_LOOPS)?;
    let mut raw = RawNest { scale: F::one().into(), ..RawNest::default() };
    for (to, s) in raw.kept.iter_mut().zip(kept) {
        *to = RawLoop { extent: s.extent as u64, stride: s.stride as u64, step: s.out as u64, slot: 0 };
    }
    for (to, s) in raw.folded.iter_mut().zip(folded) {
        let (slot, step) = s.weight.unwrap_or_default();
        *to = RawLoop {
            extent: s.extent as u64,
            stride: s.stride as u64,
            step: step as u64,
            slot: slot as u64,
        };
    }
    (raw.n_kept, raw.n_folded) = (kept.len() as u64, folded.len() as u64);
    raw.kept_len = kept.iter().map(|s| s.extent as u64).product();
    raw.folded_len = folded.iter().map(|s| s.extent as u64).product();
    Ok(raw)
}

fn run(device: &Device, nest: RawNest, out: u64) -> Result<(), CudaError> {
    let (kept, folded) = (nest.kept_len as usize, nest.folded_len as usize);
    if kept == 0 || folded == 0 {
        return Ok(());
    }
    let shares = (BUSY / kept).clamp(1, folded.div_ceil(LEAST_SHARE));
    let share_len = folded.div_ceil(shares);
    let shares = folded.div_ceil(share_len);
    // SAFETY: the kernel writes all of it.
    let partial: CudaSlice<Felt> = unsafe { device.alloc("shares of a fold", kept * shares) }?;
    let first = Args::new().with(nest).with(share_len as u64).buffer(device, &partial);
    let second = Args::new().with(nest).with(shares as u64).buffer(device, &partial).with(out);
    // SAFETY: the kernels' arguments; the loops stay within the cells, the weights and the output, whose spaces they are of.
    unsafe {
        launch(device, FOLD, "fold_shares", Grid { y: shares, ..grid(kept) }, first)?;
        launch(device, FOLD, "fold_apply", grid(kept), second)
    }
}
