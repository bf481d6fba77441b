//! A factor folded over its own output axes, from cells on the device.

use super::FOLD;
use crate::cells::DeviceCells;
use crate::felt::{felts, Felt};
use crate::launch::{address, grid, launch, Args, Grid};
use crate::loops::{at_most, combinations, RawLoop};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use zkml_ir::plan::{LinExpr, Space};
use zkml_runtime::einsum::{folded_constant, ones, Folding, Nest, Role, Step};

const MAX_LOOPS: usize = 12;
const MAX_WEIGHTS: usize = 6;
/// Threads that keep the card busy: a fold with fewer outputs is cut into shares.
const BUSY: usize = 1 << 17;
/// Cells that are worth a share.
const LEAST_SHARE: usize = 64;

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
        add_constant(device, expr.constant, folding, out)?;
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
            at_most(MAX_WEIGHTS, k + 1)?;
            tables.push(device.upload("weights of an axis", &felts(weights.values()))?);
            raw.weights[k] = address(device, &tables[k]);
            raw.start[k] = start as u64;
        }
        raw.n_weights = nest.weights.len() as u64;
        run(device, raw, out)?;
    }
    Ok(())
}

/// A constant at every kept position.
fn add_constant(device: &Device, constant: i64, folding: &Folding, out: u64) -> Result<(), CudaError> {
    let kept = folding.axes.iter().zip(&folding.roles).filter_map(|(axis, role)| match role {
        Role::Kept { stride } => Some(Step { extent: axis.extent(), stride: 0, out: *stride, weight: None }),
        Role::Folded(_) => None,
    });
    let scale = folded_constant(constant, &folding.roles).into();
    run(device, RawNest { scale, ..loops(&kept.collect::<Vec<_>>(), &[])? }, out)
}

fn loops(kept: &[Step], folded: &[Step]) -> Result<RawNest, CudaError> {
    at_most(MAX_LOOPS, kept.len().max(folded.len()))?;
    let mut raw = RawNest::default();
    for (to, s) in raw.kept.iter_mut().zip(kept) {
        *to = RawLoop::new(s.extent, s.stride, s.out, 0);
    }
    for (to, s) in raw.folded.iter_mut().zip(folded) {
        let (slot, step) = s.weight.unwrap_or_default();
        *to = RawLoop::new(s.extent, s.stride, step, slot);
    }
    (raw.n_kept, raw.n_folded) = (kept.len() as u64, folded.len() as u64);
    raw.kept_len = combinations(&raw.kept[..kept.len()]);
    raw.folded_len = combinations(&raw.folded[..folded.len()]);
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
