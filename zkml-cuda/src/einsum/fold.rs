//! The factors of all products folded over the output axes that only they have, from cells on the device: one launch for the
//! terms of all factors, and one for the first terms, the second ones and so on to add them up.

use super::FOLD;
use crate::blocks::{push_in_round, Blocks, Work};
use crate::cells::DeviceCells;
use crate::eq;
use crate::felt::{felts, Felt};
use crate::launch::{address, launch, Grid, THREADS};
use crate::loops::{at_most, combinations, joined, RawLoop};
use crate::{CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use num_traits::One;
use std::collections::HashMap;
use std::sync::Arc;
use zkml_ir::plan::{LinExpr, Space};
use zkml_runtime::einsum::{folded_constant, ones, Folding, Nest, Role, Step, Weights};
use zkml_runtime::field::F;

const MAX_LOOPS: usize = 12;
const MAX_WEIGHTS: usize = 6;
/// Threads that keep the card busy: a term with fewer outputs is cut into shares.
const BUSY: usize = 1 << 15;
/// Cells that are worth a share.
const LEAST_SHARE: usize = 64;
/// Neighbouring cells that are worth a warp.
const LEAST_ROW: usize = 32;
const WARP: usize = 32;

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
    /// Where the operand is, and where in it the loops start.
    operand: u64,
    out: u64,
    cells: u64,
    width: u64,
    /// Cells of a share, shares, where they go; whether a warp shares a row.
    share_len: u64,
    shares: u64,
    partial: u64,
    rows: u64,
    scale: Felt,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl DeviceRepr for RawNest {}

/// Terms to be folded.
#[derive(Default)]
pub(super) struct Folds {
    /// By their place in a factor: outputs of different ones are added up one after the other.
    rounds: Vec<Vec<RawNest>>,
    /// Elements of all shares so far.
    partial: u64,
    weights: Tables,
}

/// Weights of folded axes, each kept once: tables of eq side by side, and ones.
#[derive(Default)]
struct Tables {
    at_points: HashMap<(Vec<Felt>, usize), Arc<Weights>>,
    /// Where each table of eq begins, by the address of its weights, which `at_points` keeps alive.
    places: HashMap<*const Weights, u64>,
    points: Vec<(Vec<F>, u64)>,
    len: u64,
    /// The longest axis that is summed with ones: others read its beginning.
    ones: usize,
}

/// The place of ones.
const ONES: u64 = u64::MAX;

impl Tables {
    fn at(&mut self, point: &[F], n: usize) -> Arc<Weights> {
        self.at_points.entry((felts(point), n)).or_insert_with(|| Arc::new(Weights::at(point, n))).clone()
    }

    fn place(&mut self, weights: &Weights) -> u64 {
        let Some(point) = weights.point() else {
            self.ones = self.ones.max(weights.len());
            return ONES;
        };
        *self.places.entry(weights).or_insert_with(|| {
            let here = self.len;
            self.points.push((point.to_vec(), here));
            self.len += 1 << point.len();
            here
        })
    }

    /// All tables of eq, and the ones.
    fn fill(&self, device: &Device) -> Result<[CudaSlice<Felt>; 2], CudaError> {
        // SAFETY: the tables fill all of it.
        let all = unsafe { device.alloc::<Felt>("weights of folded axes", self.len as usize) }?;
        eq::tables(device, self.points.iter().map(|(point, to)| (&point[..], *to)), &all)?;
        Ok([all, device.upload("ones", &vec![Felt::from(F::one()); self.ones])?])
    }
}

impl Folds {
    /// What becomes of the axes of a factor.
    pub fn weights(&mut self) -> impl FnMut(&[F], usize) -> Arc<Weights> + '_ {
        |point, n| self.weights.at(point, n)
    }

    /// Adds `expr`, folded, to the operand at this address, which holds `folding.len` elements. `stored` and `cells` are those of
    /// the plan's tensors.
    pub fn add<'a>(
        &mut self,
        device: &Device,
        expr: &LinExpr,
        folding: &Folding,
        operand: u64,
        stored: impl Fn(usize) -> &'a Space,
        cells: impl Fn(usize) -> &'a DeviceCells,
    ) -> Result<(), CudaError> {
        let mut round = 0;
        if expr.constant != 0 {
            let scale = folded_constant(expr.constant, &folding.roles).into();
            let kept = folding.axes.iter().zip(&folding.roles).filter_map(|(axis, role)| match role {
                Role::Kept { stride } => {
                    Some(Step { extent: axis.extent(), stride: 0, out: *stride, weight: None })
                }
                Role::Folded(_) => None,
            });
            let raw = RawNest { scale, operand, ..loops(&kept.collect::<Vec<_>>(), &[])? };
            self.push(round, raw);
            round += 1;
        }
        for term in &expr.terms {
            let ones: Vec<Arc<Weights>> = ones(term).map(|n| Arc::new(Weights::ones(n))).collect();
            let tensor = term.view.tensor;
            let nest = Nest::new(term, &folding.axes, &folding.roles, &ones, stored(tensor));
            let (at, width) = cells(tensor).raw(device);
            let (kept, folded): (Vec<Step>, Vec<Step>) = nest.steps.iter().partition(|s| s.weight.is_none());
            let mut raw =
                RawNest { cells: at, width, base: nest.base as u64, operand, ..loops(&kept, &folded)? };
            raw.out = nest.out as u64;
            raw.scale = nest.scale.into();
            at_most(MAX_WEIGHTS, nest.weights.len())?;
            for (k, (weights, &start)) in nest.weights.iter().zip(&nest.start).enumerate() {
                // Its place, until all of them are on the device.
                raw.weights[k] = self.weights.place(weights);
                raw.start[k] = start as u64;
            }
            raw.n_weights = nest.weights.len() as u64;
            self.push(round, raw);
            round += 1;
        }
        Ok(())
    }

    fn push(&mut self, round: usize, mut raw: RawNest) {
        let (kept, folded) = (raw.kept_len as usize, raw.folded_len as usize);
        if kept == 0 || folded == 0 {
            return;
        }
        let shares = (BUSY / (kept * raw.lanes())).clamp(1, folded.div_ceil(LEAST_SHARE * raw.lanes()));
        let share_len = folded.div_ceil(shares);
        raw.share_len = share_len as u64;
        raw.shares = folded.div_ceil(share_len) as u64;
        raw.partial = self.partial;
        // Where nothing is folded the cells themselves are added up.
        self.partial += if raw.n_folded > 0 { raw.kept_len * raw.shares } else { 0 };
        push_in_round(&mut self.rounds, round, raw);
    }

    /// Folds all of them.
    pub fn run(self, device: &Device) -> Result<(), CudaError> {
        let Self { mut rounds, partial, weights } = self;
        if rounds.is_empty() {
            return Ok(());
        }
        let [tables, ones] = weights.fill(device)?;
        let [first, ones_at] = [&tables, &ones].map(|table| address(device, table));
        let address_of = |place: u64| match place {
            ONES => ones_at,
            place => first + place * size_of::<Felt>() as u64,
        };
        for nest in rounds.iter_mut().flatten() {
            let n = nest.n_weights as usize;
            nest.weights[..n].iter_mut().for_each(|w| *w = address_of(*w));
        }
        // SAFETY: the first kernel writes all of it.
        let partial: CudaSlice<Felt> = unsafe { device.alloc("shares of folds", partial as usize) }?;
        let all: Vec<RawNest> = rounds.concat();
        let work = |n: &RawNest| if n.n_folded > 0 { n.blocks() * n.shares as usize } else { 0 };
        let jobs = Work::new(device, &all, work)?;
        if jobs.blocks > 0 {
            let args = jobs.args(device).buffer(device, &partial);
            // SAFETY: the kernel's arguments; the loops stay within the cells and the weights, whose spaces they are of.
            unsafe { launch(device, FOLD, "fold_shares", Grid::blocks(jobs.blocks), args) }?;
        }
        for round in &rounds {
            let jobs = Work::new(device, round, |n| (n.kept_len as usize).div_ceil(THREADS))?;
            let args = jobs.args(device).buffer(device, &partial);
            // SAFETY: the kernel's arguments; the loops stay within the operands, and no two nests of a round have one.
            unsafe { launch(device, FOLD, "fold_apply", Grid::blocks(jobs.blocks), args) }?;
        }
        Ok(())
    }
}

impl RawNest {
    /// Threads that share an output.
    fn lanes(&self) -> usize {
        match self.rows {
            0 => 1,
            _ => WARP,
        }
    }

    fn blocks(&self) -> usize {
        (self.kept_len as usize * self.lanes()).div_ceil(THREADS)
    }
}

impl Blocks for RawNest {}

fn loops(kept: &[Step], folded: &[Step]) -> Result<RawNest, CudaError> {
    let kept = joined(kept.iter().map(|s| RawLoop::new(s.extent, s.stride, s.out, 0)));
    let folded = joined(folded.iter().map(|s| {
        let (slot, step) = s.weight.unwrap_or_default();
        RawLoop::new(s.extent, s.stride, step, slot)
    }));
    at_most(MAX_LOOPS, kept.len().max(folded.len()))?;
    let mut raw = RawNest::default();
    raw.kept[..kept.len()].copy_from_slice(&kept);
    raw.folded[..folded.len()].copy_from_slice(&folded);
    (raw.n_kept, raw.n_folded) = (kept.len() as u64, folded.len() as u64);
    (raw.kept_len, raw.folded_len) = (combinations(&kept), combinations(&folded));
    raw.rows = folded.last().is_some_and(|l| l.stride == 1 && l.extent >= LEAST_ROW as u64).into();
    Ok(raw)
}
