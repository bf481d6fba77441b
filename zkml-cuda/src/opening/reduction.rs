//! The sumcheck that reduces an opening's claims to one point, over columns on the device.
//!
//! As on the CPU: groups of claims with free low variables are `eq(point, lo) U(lo)` each; once a group's point is bound its
//! columns come in, folded at the challenges, with the weights of their slots.

use super::vector::{eq_table, Vector};
use super::REDUCTION;
use crate::blocks::{Blocks, Work};
use crate::column::RawColumn;
use crate::commit::Committed;
use crate::eq;
use crate::felt::Felt;
use crate::launch::{address_of, grid, launch, Args, Grid, THREADS};
use crate::sums::totals;
use crate::{Column, CudaError, Device};
use cudarc::driver::{CudaSlice, DeviceRepr};
use num_traits::One;
use std::collections::BTreeMap;
use zkml_runtime::field::F;
use zkml_runtime::pcs::Group;

/// Pairs that a block of threads has, `PAIRS` of the kernels for each.
const PAIRS: usize = 4 * THREADS;
/// Terms of a job: groups of short slots have thousands.
const TERMS: usize = 32;
/// Rows from which a group has threads enough without being cut into jobs.
const LONG: u32 = 15;
/// Blocks that share the columns' part of a round.
const SHARES: usize = 512;

/// `Job`, `Parts`, `Group` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct Words<const N: usize>([u64; N]);

/// `Entry` of the kernels.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry {
    at: u64,
    weight: Felt,
}

// SAFETY: plain words, laid out as the kernels declare them.
unsafe impl<const N: usize> DeviceRepr for Words<N> {}
// SAFETY: as above.
unsafe impl DeviceRepr for Entry {}

impl<const N: usize> Blocks for Words<N> {}

/// The reduction under way.
pub(super) struct Reduction<'a> {
    device: &'a Device,
    trees: &'a [&'a Committed],
    log_rows: usize,
    groups: Vec<Group>,
    /// By group: `eq` of the bound coordinates with the challenges.
    bound: Vec<F>,
    low: Low,
    high: High,
    /// Low variable first.
    rho: Vec<F>,
}

/// Groups with free variables, in descending order of their number.
struct Low {
    /// Of the groups that had any: which they are.
    groups: Vec<usize>,
    values: CudaSlice<Felt>,
    eq: CudaSlice<Felt>,
    /// By round: the pairs of groups that are not bound.
    rounds: Vec<Work<Words<2>>>,
    /// Where the next round's go.
    spare: [CudaSlice<Felt>; 2],
}

/// Columns whose low variables are bound.
#[derive(Default)]
struct High {
    /// Tree and column, to a place in the vectors.
    places: BTreeMap<(usize, usize), usize>,
    /// Each column's values at the challenges, and the weights of its slots.
    vectors: Option<[Vector; 2]>,
}

impl<'a> Reduction<'a> {
    pub fn new(
        device: &'a Device,
        trees: &'a [&'a Committed],
        log_rows: usize,
        groups: &[Group],
    ) -> Result<Self, CudaError> {
        let low = Low::new(device, trees, log_rows, groups)?;
        let (bound, high) = (vec![F::one(); groups.len()], High::default());
        let groups = groups.to_vec();
        let mut this = Self { device, trees, log_rows, groups, bound, low, high, rho: vec![] };
        this.enter()?;
        Ok(this)
    }

    pub fn round(&mut self) -> Result<[F; 2], CudaError> {
        let (device, round) = (self.device, self.rho.len());
        let groups = self.low.rounds.get(round);
        let low = groups.map_or(0, |work| work.blocks);
        let pairs = self.high.vectors.as_ref().map_or(0, |[values, _]| values.0.len() / 2);
        let high = pairs.div_ceil(THREADS).min(SHARES);
        let shares = low + high;
        // SAFETY: the kernels write all of it.
        let partial = unsafe { device.alloc::<Felt>("shares of a round", 2 * shares) }?;
        if let Some(groups) = groups {
            let scales = device.upload("scales of groups", &self.scales(round))?;
            let args = groups.args(device).buffer(device, &scales).with(round as u32);
            let args = args.buffer(device, &self.low.values).buffer(device, &self.low.eq);
            let args = args.with(shares as u64).buffer(device, &partial);
            // SAFETY: the kernel's arguments; these groups have pairs left.
            unsafe { launch(device, REDUCTION, "group_round", Grid::blocks(low), args) }?;
        }
        if let Some([values, weights]) = &self.high.vectors {
            let args = Args::new().buffer(device, &values.0).buffer(device, &weights.0).with(pairs as u64);
            let args = args.with(low as u64).with(shares as u64).buffer(device, &partial);
            // SAFETY: the kernel's arguments; both vectors have two elements for a pair.
            unsafe { launch(device, REDUCTION, "column_round", Grid::blocks(high), args) }?;
        }
        let sums = totals(device, &partial, shares, 2)?;
        Ok([sums[0], sums[1]])
    }

    /// `s(X) = bound ((1 - p) + (2p - 1) X)(q0 + (q1 - q0) X)`: what q0 and q1 - q0 count in a round.
    fn scales(&self, round: usize) -> Vec<Felt> {
        let scale = |&g: &usize| {
            let (group, bound) = (&self.groups[g], self.bound[g]);
            // Groups that are bound are no jobs.
            let p = group.point.iter().rev().nth(round).copied().unwrap_or_else(F::one);
            [bound * (F::one() - p), bound * (p + p - F::one())].map(Felt::from)
        };
        self.low.groups.iter().flat_map(scale).collect()
    }

    pub fn bind(&mut self, r: F) -> Result<(), CudaError> {
        let (device, round) = (self.device, self.rho.len());
        if let Some(groups) = self.low.rounds.get(round) {
            let [values, eq] = &self.low.spare;
            let args = groups.args(device).with(Felt::from(r)).with(round as u32);
            let args = args.buffer(device, &self.low.values).buffer(device, &self.low.eq);
            let args = args.buffer(device, values).buffer(device, eq);
            // SAFETY: the kernel's arguments; what is written is not what is read.
            unsafe { launch(device, REDUCTION, "group_bind", Grid::blocks(groups.blocks), args) }?;
            std::mem::swap(&mut self.low.values, &mut self.low.spare[0]);
            std::mem::swap(&mut self.low.eq, &mut self.low.spare[1]);
        }
        if let Some(vectors) = &mut self.high.vectors {
            for vector in vectors {
                *vector = vector.bind(device, r)?;
            }
        }
        for (group, bound) in self.groups.iter().zip(&mut self.bound) {
            if let Some(&p) = group.point.iter().rev().nth(round) {
                *bound *= eq_factor(p, r);
            }
        }
        self.rho.push(r);
        self.enter()
    }

    /// Takes in the columns of the groups whose last variable was bound just now.
    fn enter(&mut self) -> Result<(), CudaError> {
        let bits = self.rho.len();
        if bits == self.log_rows {
            return Ok(());
        }
        let mut weights: BTreeMap<(usize, usize, usize), F> = BTreeMap::new();
        for (group, &bound) in self.groups.iter().zip(&self.bound).filter(|(g, _)| g.point.len() == bits) {
            for term in &group.terms {
                let at = (term.tree, term.column, term.slot);
                let sum = weights.entry(at).or_default();
                *sum += term.weight * bound;
            }
        }
        if weights.is_empty() {
            return Ok(());
        }
        let mut new = vec![];
        for &(tree, column, _) in weights.keys() {
            let next = self.high.places.len();
            self.high.places.entry((tree, column)).or_insert_with(|| {
                new.push((tree, column));
                next
            });
        }
        let log_hi = self.log_rows - bits;
        self.extend_vectors(&new, log_hi)?;
        let entry = |(&(tree, column, slot), &weight): (&(usize, usize, usize), &F)| {
            let at = (self.high.places[&(tree, column)] << log_hi) + slot;
            Entry { at: at as u64, weight: weight.into() }
        };
        let device = self.device;
        let entries = device.upload("weights of slots", &weights.iter().map(entry).collect::<Vec<_>>())?;
        let Some([_, vector]) = &self.high.vectors else { unreachable!("columns came in") };
        let args = Args::new().buffer(device, &entries).with(entries.len() as u64).buffer(device, &vector.0);
        // SAFETY: the kernel's arguments; slots lie within their columns.
        unsafe { launch(device, REDUCTION, "add_weights", grid(entries.len()), args) }
    }

    /// Adds these columns, folded, and zero weights for them.
    fn extend_vectors(&mut self, new: &[(usize, usize)], log_hi: usize) -> Result<(), CudaError> {
        if new.is_empty() {
            return Ok(());
        }
        let device = self.device;
        let (old, n) = (self.high.places.len() - new.len(), self.high.places.len());
        // SAFETY: the copy and the kernel write all of it.
        let mut values = unsafe { device.alloc::<Felt>("folded columns", n << log_hi) }?;
        let mut weights = device.zeros::<Felt>("weights of folded columns", n << log_hi)?;
        if let Some([old_values, old_weights]) = &self.high.vectors {
            for (from, to) in [(old_values, &mut values), (old_weights, &mut weights)] {
                device.copy(&from.0, &mut to.slice_mut(..old << log_hi))?;
            }
        }
        let log_lo = self.rho.len();
        let rows = 1usize << self.log_rows;
        let views: Vec<_> = new
            .iter()
            .map(|&(tree, column)| self.trees[tree].columns.slice(column * rows..(column + 1) * rows))
            .collect();
        let raw: Vec<RawColumn> = views.iter().map(|v| Column::Words(v).raw(device, F::one())).collect();
        let raw = device.upload("columns", &raw)?;
        let point: Vec<F> = self.rho.iter().rev().copied().collect();
        let eq = eq_table(device, &point)?;
        let (outputs, lanes) = (new.len() << log_hi, 1usize << log_lo.min(5));
        let args = Args::new().buffer(device, &raw).with(log_lo as u32).with(log_hi as u32);
        let args = args.with(outputs as u64).buffer(device, &eq).with(lanes as u32);
        let args = args.with(address_of(device, &values.slice(old << log_hi..)));
        // SAFETY: the kernel's arguments; columns have 2^(log_lo + log_hi) rows.
        unsafe { launch(device, REDUCTION, "fold_columns", grid(outputs * lanes), args) }?;
        self.high.vectors = Some([Vector(values), Vector(weights)]);
        Ok(())
    }
}

impl Low {
    fn new(
        device: &Device,
        trees: &[&Committed],
        log_rows: usize,
        groups: &[Group],
    ) -> Result<Self, CudaError> {
        let mut free: Vec<usize> = (0..groups.len()).filter(|&g| !groups[g].point.is_empty()).collect();
        free.sort_by_key(|&g| std::cmp::Reverse(groups[g].point.len()));
        let vars: Vec<usize> = free.iter().map(|&g| groups[g].point.len()).collect();
        let mut len = 0u64;
        let place = |v: &usize| {
            len += 1 << v;
            len - (1 << v)
        };
        let at: Vec<u64> = vars.iter().map(place).collect();
        let raw: Vec<Words<2>> = at.iter().zip(&vars).map(|(&at, &v)| Words([at, v as u64])).collect();
        let len = len as usize;
        // SAFETY: all are written before they are read.
        let buffer = |len: usize| unsafe { device.alloc::<Felt>("groups of claims", len) };
        let (values, eq) = (buffer(len)?, buffer(len / 2)?);
        let rounds = (0..vars.first().copied().unwrap_or(0)).map(|round| {
            let left = vars.iter().take_while(|&&v| v > round).count();
            Work::new(device, &raw[..left], |g| (1usize << (g.0[1] as usize - 1 - round)).div_ceil(PAIRS))
        });
        let rounds = rounds.collect::<Result<Vec<_>, _>>()?;
        // Groups keep their places, so what is bound needs as much room.
        let spare = [buffer(len)?, buffer(len / 2)?];
        let this = Self { groups: free, values, eq, rounds, spare };
        if !this.rounds.is_empty() {
            this.sum_terms(device, trees, log_rows, groups, &at)?;
            this.fill_eq(device, groups, &at)?;
        }
        Ok(this)
    }

    /// `U(lo)` of every group.
    fn sum_terms(
        &self,
        device: &Device,
        trees: &[&Committed],
        log_rows: usize,
        groups: &[Group],
        at: &[u64],
    ) -> Result<(), CudaError> {
        let (mut terms, mut jobs, mut parts, mut next) = (vec![], vec![], vec![], 0u64);
        for (&g, &to) in self.groups.iter().zip(at) {
            let group = &groups[g];
            let log = group.point.len() as u32;
            let per = if log >= LONG { group.terms.len().max(1) } else { TERMS };
            let (from, first) = (next, terms.len());
            for term in &group.terms {
                let start = (term.column << log_rows) + (term.slot << log);
                let view = trees[term.tree].columns.slice(start..start + (1 << log));
                terms.push(Column::Words(&view).raw(device, term.weight));
            }
            let count = group.terms.len().div_ceil(per).max(1);
            for k in 0..count {
                let begin = first + k * per;
                let n = per.min(terms.len() - begin);
                jobs.push(Words([begin as u64, n as u64, log.into(), next]));
                next += 1 << log;
            }
            parts.push(Words([from, count as u64, log.into(), to]));
        }
        let blocks = |words: &Words<4>| (1usize << words.0[2]).div_ceil(THREADS);
        let (jobs, parts) = (Work::new(device, &jobs, blocks)?, Work::new(device, &parts, blocks)?);
        let terms = device.upload("terms", &terms)?;
        // SAFETY: the first kernel writes all of it.
        let sums = unsafe { device.alloc::<Felt>("sums of terms", next as usize) }?;
        let first = jobs.args(device).buffer(device, &terms).buffer(device, &sums);
        let second = parts.args(device).buffer(device, &sums).buffer(device, &self.values);
        // SAFETY: the kernels' arguments; terms are as long as their groups.
        unsafe {
            launch(device, REDUCTION, "group_sums", Grid::blocks(jobs.blocks), first)?;
            launch(device, REDUCTION, "group_add", Grid::blocks(parts.blocks), second)
        }
    }

    /// eq over the free variables but the lowest.
    fn fill_eq(&self, device: &Device, groups: &[Group], at: &[u64]) -> Result<(), CudaError> {
        let point = |(&g, &to): (&usize, &u64)| {
            let point = &groups[g].point;
            (&point[..point.len() - 1], to / 2)
        };
        eq::tables(device, self.groups.iter().zip(at).map(point), &self.eq)
    }
}

/// One factor of `eq`.
fn eq_factor(x: F, y: F) -> F {
    let xy = x * y;
    xy + xy + F::one() - x - y
}
